#!/usr/bin/env python3
"""Makes the embedded example: synthetic proteins with planted motifs, and the files that describe them.

    python3 test_data/make_example.py [OUTDIR]        default: test_data/example beside this script

Needs Python 3.8 or later and nothing else; the same bytes every time, everywhere. Every protein is
residues drawn from the amino-acid composition of known proteins, with motifs planted at known
places; the motifs are written from their published consensus patterns. So the truth is known, and
what a model finds on held-out proteins can be judged. README.md beside this script describes the files.
"""

import hashlib
import random
import sys
from pathlib import Path

SEED = 20250911
PROTEINS_PER_ARCHITECTURE = 36
# share of proteins that are followed by a homologue: same architecture, mutated background
HOMOLOGUE_SHARE = 0.15
MUTATION_RATE = 0.2
DATE = "20250101"

# amino-acid composition of Swiss-Prot in per cent, rounded
COMPOSITION = {
    "A": 8.3, "R": 5.5, "N": 4.1, "D": 5.5, "C": 1.4, "Q": 3.9, "E": 6.7, "G": 7.1, "H": 2.3, "I": 5.9,
    "L": 9.7, "K": 5.8, "M": 2.4, "F": 3.9, "P": 4.7, "S": 6.6, "T": 5.4, "W": 1.1, "Y": 2.9, "V": 6.9,
}  # fmt: skip

# A pattern is a list of positions, each the residues allowed there (a repeated letter is likelier);
# `x` is background. Consensus sequences are from the textbooks and the motifs' PROSITE patterns.
WALKER_A = "KR V VI AL LIV VI G PE S GT S G K ST T LT L AL R AK L AL G".split()
ZINC_FINGER = "T G E KR P Y K C PED EI C G K AR F S RQ S S SN L T R H QR R T H".split()
EF_HAND = "E E E L R E A F R V F D K D G N G Y I S A A E L R H V M T N L".split()
EF_VARIATION = 0.12
SEQUON = "T N GA ST T".split()
LEUCINE_ZIPPER = "L E DE K V EK E L L S K N Y H L E N E V A R L K K L V".split()
HISTIDINE_SITE = "W V LV T A A H C".split()
SERINE_SITE = "Q G D S G G P L V".split()
NUCLEAR_SIGNAL = "P K K K R K V".split()
RETENTION_SIGNAL = "KH D E L".split()
COLLAGEN = "G P P G PA K G EP P G P Q G PL P G AP R G P P G E K G P P".split()
DISULFIDE_LOOP = "S C NDK x x x Y NG x x PGS C".split()

NAMES = {
    "atpase": "ATP-binding protein",
    "zinc_finger": "C2H2 zinc finger protein",
    "bzip": "bZIP transcription factor",
    "calcium": "EF-hand calcium-binding protein",
    "glycoprotein": "Secreted glycoprotein",
    "receptor": "Multi-pass membrane receptor",
    "protease": "Trypsin-like serine protease",
    "collagen": "Collagen alpha chain",
    "chaperone": "ER-resident chaperone",
    "transporter": "ABC transporter",
    "cytosolic": "Uncharacterized cytosolic protein",
}

# GAF rows of each architecture: qualifier, term, evidence code, reference, with/from
ANNOTATIONS = {
    "atpase": [("enables", "GO:0005524", "IDA"), ("located_in", "GO:0005829", "HDA")],
    "zinc_finger": [("enables", "GO:0008270", "IDA"), ("involved_in", "GO:0006357", "IMP"), ("located_in", "GO:0005634", "IDA")],
    # an alternative id, which readers must follow to GO:0003700
    "bzip": [("enables", "GO:0001071", "IDA"), ("located_in", "GO:0005634", "IDA")],
    "calcium": [("enables", "GO:0005509", "IDA"), ("located_in", "GO:0005829", "HDA")],
    # obsolete: readers must follow its replacement GO:0005576
    "glycoprotein": [("located_in", "GO:0005615", "IDA"), ("NOT|located_in", "GO:0005634", "IDA")],
    "receptor": [("enables", "GO:0038023", "IDA"), ("located_in", "GO:0005886", "IDA")],
    "protease": [("enables", "GO:0004252", "IDA"), ("involved_in", "GO:0006508", "IDA"), ("located_in", "GO:0005576", "IDA")],
    "collagen": [("enables", "GO:0030020", "IMP"), ("part_of", "GO:0005581", "IDA"), ("located_in", "GO:0005576", "IDA")],
    "chaperone": [("enables", "GO:0051082", "IDA"), ("located_in", "GO:0005788", "IDA")],
    "transporter": [("enables", "GO:0140359", "IDA"), ("involved_in", "GO:0055085", "IDA"), ("located_in", "GO:0005886", "IDA")],
    "cytosolic": [("located_in", "GO:0005829", "HDA")],
}  # fmt: skip

# id, name, namespace letter, parents, other lines
TERMS = [
    ("GO:0003674", "molecular_function", "F", [], ["disjoint_from: GO:0005575", "disjoint_from: GO:0008150"]),
    ("GO:0005488", "binding", "F", ["GO:0003674"], []),
    ("GO:0036094", "small molecule binding", "F", ["GO:0005488"], []),
    ("GO:1901265", "nucleoside phosphate binding", "F", ["GO:0036094"], []),
    ("GO:0005524", "ATP binding", "F", ["GO:1901265"], ["disjoint_from: GO:0043169"]),
    ("GO:0043169", "cation binding", "F", ["GO:0036094"], []),
    ("GO:0046872", "metal ion binding", "F", ["GO:0043169"], []),
    ("GO:0005509", "calcium ion binding", "F", ["GO:0046872"], []),
    ("GO:0008270", "zinc ion binding", "F", ["GO:0046872"], []),
    ("GO:0005515", "protein binding", "F", ["GO:0005488"], []),
    ("GO:0051082", "unfolded protein binding", "F", ["GO:0005515"], ["relationship: part_of GO:0006457"]),
    ("GO:0003824", "catalytic activity", "F", ["GO:0003674"], []),
    ("GO:0016787", "hydrolase activity", "F", ["GO:0003824"], []),
    ("GO:0008233", "peptidase activity", "F", ["GO:0016787"], ["relationship: part_of GO:0006508"]),
    ("GO:0008236", "serine-type peptidase activity", "F", ["GO:0008233"], []),
    ("GO:0004175", "endopeptidase activity", "F", ["GO:0008233"], []),
    ("GO:0004252", "serine-type endopeptidase activity", "F", ["GO:0004175", "GO:0008236"],
     ["intersection_of: GO:0004175", "intersection_of: GO:0008236"]),
    ("GO:0140657", "ATP-dependent activity", "F", ["GO:0003674"], ["relationship: has_part GO:0005524"]),
    ("GO:0005215", "transporter activity", "F", ["GO:0003674"], ["relationship: part_of GO:0006810"]),
    ("GO:0022857", "transmembrane transporter activity", "F", ["GO:0005215"], ["relationship: part_of GO:0055085"]),
    ("GO:0042626", "ATPase-coupled transmembrane transporter activity", "F", ["GO:0022857", "GO:0140657"],
     ["intersection_of: GO:0022857", "intersection_of: GO:0140657"]),
    ("GO:0140359", "ABC-type transporter activity", "F", ["GO:0042626"], []),
    ("GO:0140110", "transcription regulator activity", "F", ["GO:0003674"], []),
    ("GO:0003700", "DNA-binding transcription factor activity", "F", ["GO:0140110"],
     ["alt_id: GO:0001071", "relationship: part_of GO:0006355"]),
    ("GO:0060089", "molecular transducer activity", "F", ["GO:0003674"], []),
    ("GO:0038023", "signaling receptor activity", "F", ["GO:0060089"], []),
    ("GO:0005198", "structural molecule activity", "F", ["GO:0003674"], []),
    ("GO:0005201", "extracellular matrix structural constituent", "F", ["GO:0005198"], []),
    ("GO:0030020", "extracellular matrix structural constituent conferring tensile strength", "F", ["GO:0005201"],
     ["relationship: occurs_in GO:0005576"]),
    ("GO:0008150", "biological_process", "P", [], ["disjoint_from: GO:0005575"]),
    ("GO:0008152", "metabolic process", "P", ["GO:0008150"], []),
    ("GO:0019538", "protein metabolic process", "P", ["GO:0008152"], []),
    ("GO:0006508", "proteolysis", "P", ["GO:0019538"], []),
    ("GO:0006457", "protein folding", "P", ["GO:0008150"], []),
    ("GO:0051179", "localization", "P", ["GO:0008150"], []),
    ("GO:0006810", "transport", "P", ["GO:0051179"], []),
    ("GO:0055085", "transmembrane transport", "P", ["GO:0006810"], []),
    ("GO:0006351", "DNA-templated transcription", "P", ["GO:0008152"], []),
    ("GO:0065007", "biological regulation", "P", ["GO:0008150"], []),
    ("GO:0006355", "regulation of DNA-templated transcription", "P", ["GO:0065007"],
     ["intersection_of: GO:0065007", "intersection_of: regulates GO:0006351", "relationship: regulates GO:0006351"]),
    ("GO:0006357", "regulation of transcription by RNA polymerase II", "P", ["GO:0006355"], []),
    ("GO:0005575", "cellular_component", "C", [], []),
    ("GO:0110165", "cellular anatomical structure", "C", ["GO:0005575"], []),
    ("GO:0032991", "protein-containing complex", "C", ["GO:0005575"], ["disjoint_from: GO:0110165"]),
    ("GO:0005581", "collagen trimer", "C", ["GO:0032991"], ["relationship: part_of GO:0005576"]),
    ("GO:0005576", "extracellular region", "C", ["GO:0110165"], ["disjoint_from: GO:0005622"]),
    ("GO:0005615", "obsolete extracellular space", "C", [], ["is_obsolete: true", "replaced_by: GO:0005576"]),
    ("GO:0005622", "intracellular anatomical structure", "C", ["GO:0110165"], []),
    ("GO:0005737", "cytoplasm", "C", ["GO:0110165"], ["relationship: part_of GO:0005622"]),
    ("GO:0005829", "cytosol", "C", ["GO:0110165"], ["relationship: part_of GO:0005737"]),
    ("GO:0043226", "organelle", "C", ["GO:0110165"], []),
    ("GO:0005634", "nucleus", "C", ["GO:0043226"], ["relationship: part_of GO:0005622"]),
    ("GO:0005783", "endoplasmic reticulum", "C", ["GO:0043226"], ["relationship: part_of GO:0005737"]),
    ("GO:0043233", "organelle lumen", "C", ["GO:0110165"], ["relationship: part_of GO:0043226"]),
    ("GO:0005788", "endoplasmic reticulum lumen", "C", ["GO:0043233"],
     ["intersection_of: GO:0043233", "intersection_of: part_of GO:0005783", "relationship: part_of GO:0005783"]),
    ("GO:0016020", "membrane", "C", ["GO:0110165"], []),
    ("GO:0005886", "plasma membrane", "C", ["GO:0016020"], []),
]  # fmt: skip

TYPEDEFS = [
    ("has_part", "BFO:0000051", True),
    ("occurs_in", "BFO:0000066", False),
    ("part_of", "BFO:0000050", True),
    ("regulates", "RO:0002211", False),
]

NAMESPACES = {"F": "molecular_function", "P": "biological_process", "C": "cellular_component"}

# feature key -> column label of the UniProt REST interface
REST_COLUMNS = {
    "ACT_SITE": "Active site",
    "BINDING": "Binding site",
    "CARBOHYD": "Glycosylation",
    "DISULFID": "Disulfide bond",
    "DOMAIN": "Domain [FT]",
    "MOTIF": "Motif",
    "REGION": "Region",
    "SIGNAL": "Signal peptide",
    "TRANSMEM": "Transmembrane",
    "ZN_FING": "Zinc finger",
}

# feature key and note -> InterProScan match: analysis, signature, description, entry, its name, GO
SIGNATURES = {
    ("BINDING", "ATP"): ("Gene3D", "G3DSA:3.40.50.300", "-", "IPR027417", "P-loop containing nucleoside triphosphate hydrolase", "GO:0005524"),
    ("ZN_FING", "C2H2-type"): ("ProSitePatterns", "PS00028", "Zinc finger C2H2 type domain signature.", "IPR013087", "Zinc finger C2H2-type", "GO:0008270"),
    ("DOMAIN", "EF-hand"): ("ProSiteProfiles", "PS50222", "EF-hand calcium-binding domain profile.", "IPR002048", "EF-hand domain", "GO:0005509"),
    ("REGION", "Leucine-zipper"): ("ProSiteProfiles", "PS50217", "Basic-leucine zipper (bZIP) domain profile.", "IPR004827", "Basic-leucine zipper domain", "GO:0003700"),
    ("REGION", "Triple-helical region"): ("Pfam", "PF01391", "Collagen triple helix repeat (20 copies)", "IPR008160", "Collagen triple helix repeat", "-"),
    ("TRANSMEM", "Helical"): ("Phobius", "TRANSMEMBRANE", "Region of a membrane-bound protein predicted to be embedded in the membrane.", "-", "-", "-"),
    ("SIGNAL", ""): ("SignalP_EUK", "SignalP-noTM", "SignalP-noTM", "-", "-", "-"),
}  # fmt: skip


class Draw:
    """Seeded choices that are the same in every version of Python: built on `random()` alone."""

    def __init__(self, seed):
        self.generator = random.Random(seed)
        self.letters = "".join(COMPOSITION)
        self.bounds, total = [], 0.0
        for share in COMPOSITION.values():
            total += share
            self.bounds.append(total)

    def below(self, n):
        return int(self.generator.random() * n)

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def one(self, options):
        return options[self.below(len(options))]

    def chance(self, share):
        return self.generator.random() < share

    def residue(self):
        at = self.generator.random() * self.bounds[-1]
        return next(letter for letter, bound in zip(self.letters, self.bounds) if at < bound)

    def background(self, n):
        return "".join(self.residue() for _ in range(n))

    def pattern(self, positions):
        return "".join(self.residue() if p == "x" else self.one(p) for p in positions)


class Protein:
    """A sequence in the making, with its features: key, start, end, note (1-based, inclusive)."""

    def __init__(self, draw):
        self.draw = draw
        self.sequence = ""
        self.features = []

    def linker(self, low, high):
        self.sequence += self.draw.background(self.draw.between(low, high))

    def plant(self, residues, key, note, first=1, last=None):
        """Appends `residues`; the feature covers their positions `first` to `last`."""
        start = len(self.sequence)
        self.sequence += residues
        if key:
            self.features.append((key, start + first, start + (last or len(residues)), note))
        return start

    def start_methionine(self):
        self.sequence += "M"

    def signal_peptide(self):
        draw = self.draw
        residues = "M" + draw.pattern(["KR"] * draw.between(2, 3))
        residues += draw.pattern(["LLLLAAVVFIG"] * draw.between(11, 14)) + draw.pattern("P GT A VLS AS A".split())
        self.plant(residues, "SIGNAL", "")

    def walker_a(self):
        start = self.plant(self.draw.pattern(WALKER_A), "BINDING", "ATP", 7, 14)
        assert self.sequence[start + 6] == "G"

    def zinc_fingers(self, n):
        for _ in range(n):
            self.plant(self.draw.pattern(ZINC_FINGER), "ZN_FING", "C2H2-type", 8, 28)

    def ef_hand(self):
        loop = {12, 14, 16, 18, 23}
        positions = [
            p if i in loop or i == 17 or not self.draw.chance(EF_VARIATION) else "x" for i, p in enumerate(EF_HAND, 1)
        ]
        start = self.plant(self.draw.pattern(positions), "DOMAIN", "EF-hand")
        for i in sorted(loop):
            self.features.append(("BINDING", start + i, start + i, "Ca(2+)"))

    def sequon(self):
        self.plant(self.draw.pattern(SEQUON), "CARBOHYD", "N-linked (GlcNAc...) asparagine", 2, 2)

    def transmembrane(self):
        residues = self.draw.pattern(["LLLIIVVVFAAGW"] * 21)
        self.plant(residues, "TRANSMEM", "Helical")
        self.sequence += self.draw.pattern(["KR", "KR"])

    def leucine_zipper(self):
        self.sequence += self.draw.pattern("R R E R N R L A A A K S R N R R".split())
        self.plant(self.draw.pattern(LEUCINE_ZIPPER), "REGION", "Leucine-zipper")

    def nuclear_signal(self):
        self.plant(self.draw.pattern(NUCLEAR_SIGNAL), "MOTIF", "Nuclear localization signal")

    def collagen(self, n):
        residues = "".join(self.draw.pattern(COLLAGEN) for _ in range(n))
        self.plant(residues, "REGION", "Triple-helical region")

    def disulfide_loop(self):
        residues = self.draw.pattern(DISULFIDE_LOOP)
        self.plant(residues, "DISULFID", "", 2, len(residues))

    def active_sites(self):
        self.plant(self.draw.pattern(HISTIDINE_SITE), "ACT_SITE", "Charge relay system", 7, 7)
        self.linker(15, 25)
        self.plant(self.draw.pattern(SERINE_SITE), "ACT_SITE", "Charge relay system", 4, 4)

    def retention_signal(self):
        self.plant(self.draw.pattern(RETENTION_SIGNAL), "MOTIF", "Prevents secretion from ER")

    def clean(self):
        """Removes sequons and free cysteines that chance made: outside features they are no truth."""
        taken = set()
        for key, start, end, _ in self.features:
            taken.update(range(start - 3, end + 3))
        residues = list(self.sequence)
        for i, residue in enumerate(residues):
            if i in taken:
                continue
            sequon = residue == "N" and i + 2 < len(residues) and residues[i + 1] != "P" and residues[i + 2] in "ST"
            if sequon or residue == "C":
                residues[i] = "Q" if sequon else "S"
        self.sequence = "".join(residues)

    def mutate(self):
        """A homologue: the same features, the residues between them drawn anew at a rate."""
        twin = Protein(self.draw)
        twin.features = list(self.features)
        taken = {i for _, start, end, _ in self.features for i in range(start - 2, end + 1)} | {0}
        twin.sequence = "".join(
            self.draw.residue() if i not in taken and self.draw.chance(MUTATION_RATE) else residue
            for i, residue in enumerate(self.sequence)
        )
        twin.clean()
        return twin


def build(architecture, draw):
    """One protein of an architecture."""
    p = Protein(draw)
    secreted = architecture in ("glycoprotein", "protease", "collagen", "chaperone")
    p.signal_peptide() if secreted else p.start_methionine()
    p.linker(12, 25)
    if architecture == "atpase":
        for _ in range(draw.between(2, 3)):
            p.walker_a()
            p.linker(20, 40)
    elif architecture == "zinc_finger":
        p.nuclear_signal()
        p.linker(8, 15)
        p.zinc_fingers(draw.between(3, 4))
        p.linker(8, 20)
    elif architecture == "bzip":
        p.nuclear_signal()
        p.linker(10, 20)
        p.leucine_zipper()
        p.linker(10, 25)
    elif architecture == "calcium":
        for _ in range(draw.between(2, 4)):
            p.ef_hand()
            p.linker(6, 14)
    elif architecture == "glycoprotein":
        for _ in range(draw.between(4, 6)):
            p.sequon()
            p.linker(8, 18)
    elif architecture == "receptor":
        for _ in range(draw.between(3, 4)):
            p.transmembrane()
            p.linker(8, 18)
        p.sequon()
        p.linker(10, 20)
    elif architecture == "protease":
        p.active_sites()
        for _ in range(3):
            p.linker(6, 14)
            p.disulfide_loop()
        p.linker(6, 14)
    elif architecture == "collagen":
        p.collagen(2)
        p.linker(10, 20)
    elif architecture == "chaperone":
        p.linker(60, 90)
        p.retention_signal()
    elif architecture == "transporter":
        for _ in range(2):
            p.transmembrane()
            p.linker(10, 20)
        for _ in range(2):
            p.walker_a()
            p.linker(15, 30)
    else:
        p.linker(70, 110)
    p.clean()
    return p


def entries():
    """The proteins in file order: accession, entry name, architecture, protein, cluster representative."""
    draw = Draw(SEED)
    out = []
    for round_ in range(PROTEINS_PER_ARCHITECTURE):
        for architecture in NAMES:
            protein = build(architecture, draw)
            if round_ and draw.chance(HOMOLOGUE_SHARE):
                # a homologue of the previous round's protein of this architecture
                parent = next(e for e in reversed(out) if e[2] == architecture)
                protein, representative = parent[3].mutate(), parent[4]
            else:
                representative = None
            number = len(out) + 1
            accession = f"X9SYN0P{number:03d}"
            stem = "".join(word[0] for word in architecture.split("_")).upper() + architecture[1:3].upper()
            out.append((accession, f"{stem}{round_ + 1}_SYNTH", architecture, protein, representative or accession))
    return out


def fasta(rows):
    out = []
    for accession, name, architecture, protein, _ in rows:
        out.append(f">sp|{accession}|{name} {NAMES[architecture]} OS=synthetic construct OX=32630 GN={name.split('_')[0]} PE=1 SV=1")
        out += [protein.sequence[i : i + 60] for i in range(0, len(protein.sequence), 60)]
    return out


def gaf(rows):
    out = ["!gaf-version: 2.2", "!generated-by: make_example.py", "!date-generated: 2025-01-01"]
    aspect = {**{term: letter for term, _, letter, _, _ in TERMS}, "GO:0001071": "F"}
    for accession, name, architecture, _, _ in rows:
        for qualifier, term, evidence in ANNOTATIONS[architecture]:
            out.append("\t".join([
                "UniProtKB", accession, name.split("_")[0], qualifier, term, "PMID:0", evidence, "", aspect[term],
                NAMES[architecture], "", "protein", "taxon:32630", DATE, "EXAMPLE", "", "",
            ]))  # fmt: skip
    return out


def feature_csv(rows):
    out = ["protein_id,feature,isoform_id,start,end,note"]
    for accession, _, _, protein, _ in rows:
        for key, start, end, note in sorted(protein.features, key=lambda f: (f[1], f[2], f[0])):
            last = "" if start == end else f"{end}.0"
            out.append(f"{accession},{key},,{start}.0,{last},{note}")
    return out


def rest_cell(features):
    """The UniProt REST grammar: `KEY pos; /key="value"; ...` items joined by `; `."""
    items = []
    for key, start, end, note in features:
        item = f"{key} {start}" if start == end else f"{key} {start}..{end}"
        if key == "BINDING":
            chebi = {"ATP": "30616", "Ca(2+)": "29108"}[note]
            item += f'; /ligand="{note}"; /ligand_id="ChEBI:CHEBI:{chebi}"'
        elif note:
            item += f'; /note="{note}"'
        items.append(item + '; /evidence="ECO:0000255"')
    return "; ".join(items)


def rest_tsv(rows):
    head = ["Entry", "Reviewed", "Entry Name", "Protein names", "Gene Names", "Organism", "Length", "Gene Ontology IDs", "InterPro"]
    out = ["\t".join(head + list(REST_COLUMNS.values()))]
    for accession, name, architecture, protein, _ in rows:
        features = sorted(protein.features, key=lambda f: (f[1], f[2], f[0]))
        terms = "; ".join(sorted(t for q, t, _ in ANNOTATIONS[architecture] if not q.startswith("NOT")))
        interpro = sorted({SIGNATURES[f[0], f[3]][3] for f in features if (f[0], f[3]) in SIGNATURES} - {"-"})
        out.append("\t".join(
            [accession, "reviewed", name, NAMES[architecture], name.split("_")[0], "synthetic construct",
             str(len(protein.sequence)), terms, "".join(i + ";" for i in interpro)]
            + [rest_cell([f for f in features if f[0] == key]) for key in REST_COLUMNS]
        ))  # fmt: skip
    return out


def interproscan(rows):
    out = []
    for accession, name, _, protein, _ in rows:
        md5 = hashlib.md5(protein.sequence.encode()).hexdigest()
        for key, start, end, note in sorted(protein.features, key=lambda f: (f[1], f[2], f[0])):
            if (key, note) not in SIGNATURES:
                continue
            analysis, signature, description, entry, entry_name, term = SIGNATURES[key, note]
            out.append("\t".join([
                f"sp|{accession}|{name}", md5, str(len(protein.sequence)), analysis, signature, description, str(start), str(end),
                "-" if analysis in ("Phobius", "ProSitePatterns") else "1.0E-9", "T", "01-01-2025", entry, entry_name, term, "-",
            ]))  # fmt: skip
    return out


def obo():
    names = {term: name for term, name, _, _, _ in TERMS}
    out = ["format-version: 1.2", "data-version: go-mini/2025-01-01", "default-namespace: gene_ontology", "ontology: go-mini"]
    for term, name, letter, parents, others in sorted(TERMS):
        out += ["", "[Term]", f"id: {term}", f"name: {name}", f"namespace: {NAMESPACES[letter]}"]
        lines = [f"is_a: {parent}" for parent in parents] + others
        order = ["alt_id", "is_a", "intersection_of", "disjoint_from", "relationship", "is_obsolete", "replaced_by"]
        for line in sorted(lines, key=lambda text: order.index(text.split(":")[0])):
            target = line.split()[-1]
            shown = target in names and not line.startswith("replaced_by")
            out.append(f"{line} ! {names[target]}" if shown else line)
    for name, xref, transitive in TYPEDEFS:
        out += ["", "[Typedef]", f"id: {name}", f"name: {name.replace('_', ' ')}", "namespace: external", f"xref: {xref}"]
        out += ["is_transitive: true"] if transitive else []
    return out


def truth(rows):
    """The planted motifs as labels: one line a labelled range, a disulfide bond as its two ends."""
    out = ["protein\tstart\tend\tconcept"]
    for accession, _, _, protein, _ in rows:
        for key, start, end, note in sorted(protein.features, key=lambda f: (f[1], f[2], f[0])):
            concept = f"{key}:{note}" if note else key
            for first, last in [(start, start), (end, end)] if key == "DISULFID" else [(start, end)]:
                out.append(f"{accession}\t{first}\t{last}\t{concept}")
    return out


def main():
    outdir = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "example"
    outdir.mkdir(parents=True, exist_ok=True)
    rows = entries()
    files = {
        "proteins.fasta": fasta(rows),
        "go_mini.obo": obo(),
        "annotations.gaf": gaf(rows),
        "features.csv": feature_csv(rows),
        "uniprot.tsv": rest_tsv(rows),
        "interproscan.tsv": interproscan(rows),
        "clusters.tsv": [f"{representative}\t{accession}" for accession, _, _, _, representative in rows],
        "truth.tsv": truth(rows),
    }
    for name, lines in files.items():
        (outdir / name).write_bytes(("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
