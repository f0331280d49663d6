//! What the fuzz targets call: each parser of outside bytes, and what is done with its result.
//!
//! Whatever comes in, a parser ends with a result or an error: no panic, no hang, and no more memory
//! than the input accounts for. The same functions replay the corpus in the ordinary tests
//! (`tests/fuzz_replay`).

use protsae::{
    annot::{
        collect::{Collector, Settings},
        format::{self, Format},
        go::cafa,
        hits,
        mappings::References,
        vocabulary::{Choice, Terminology, Vocabulary},
    },
    exchange::{self, Activation, Request, Sidecar},
    ontology::{
        self, Ontology,
        graph::{Closure, Hierarchy, Relations},
        norm_file,
        normal::NormalForms,
    },
    report::structure::{Scene, Structure, Trace},
    seq::fasta,
    split::{clusters, partition::Partition},
    table::{
        TableError, TableSource,
        activations::ActivationReader,
        features::FeatureReader,
        foreign::{ForeignError, hdf5::Hdf5Source, listing, npy::NpyReader, parquet},
        labels,
        neighbours::NeighbourTable,
        proteins,
    },
};
use std::io::Cursor;

/// A parser under test.
pub type Target = (&'static str, fn(&[u8]));

/// Every target by the name of its file in `fuzz_targets/` and of its folder in `corpus/`.
pub const TARGETS: &[Target] = &[
    ("arrow_tables", arrow_tables),
    ("checkpoints", checkpoints),
    ("clusters", clusters),
    ("fasta", fasta),
    ("feature_csv", feature_csv),
    ("foreign_activations", foreign_activations),
    ("function_prediction", function_prediction),
    ("gaf", gaf),
    ("gpad", gpad),
    ("interproscan_gff", interproscan_gff),
    ("interproscan_json", interproscan_json),
    ("interproscan_tsv", interproscan_tsv),
    ("interproscan_xml", interproscan_xml),
    ("lists", lists),
    ("normal_forms", normal_forms),
    ("obo", obo),
    ("obo_graphs", obo_graphs),
    ("protein2ipr", protein2ipr),
    ("sniffed", sniffed),
    ("split", split),
    ("structures", structures),
    ("uniprot_dat", uniprot_dat),
    ("uniprot_gff", uniprot_gff),
    ("uniprot_tsv", uniprot_tsv),
    ("uniprot_xml", uniprot_xml),
];

/// Rows of a label table that one kept statement may make: the two ends of a bond.
const ROWS_OF_A_STATEMENT: u64 = 2;

/// A protein of the seeds, by accession and sequence.
const GIVEN: (&str, &[u8]) = ("P1", b"MKTAYIAKQ");

/// Reads annotations strictly and for one protein alone, then leniently into a vocabulary and its labels.
fn annotations(data: &[u8], format: Option<Format>) {
    let load = |skip_bad, restrict| {
        let mut collector = Collector::new(Settings {
            skip_bad,
            ..Settings::default()
        });
        if restrict {
            collector.restrict_to_sequences();
            collector.add_sequence(GIVEN.0, GIVEN.1);
        }
        let read = format::read(data, format, "input", &mut collector);
        read.ok().map(|_| collector)
    };
    load(false, false);
    if let Some(restricted) = load(true, true) {
        assert_eq!(restricted.protein_count(), 1);
    }
    let Some(collector) = load(true, false) else {
        return;
    };
    let kept = collector
        .reports
        .iter()
        .map(|report| report.kept)
        .sum::<u64>();
    let choice = Choice {
        min_count: 1,
        ..Choice::default()
    };
    // terms without an ontology are refused; everything else has labels
    if let Ok(mut vocabulary) = Vocabulary::new(collector, None, &choice) {
        let mut rows = 0;
        let counted = vocabulary.labels(|_| {
            rows += 1;
            Ok::<(), ()>(())
        });
        assert!(counted.is_ok() && rows <= ROWS_OF_A_STATEMENT * kept);
    }
}

/// Sparse autoencoders of other programs, with answers to whatever they leave open.
pub fn checkpoints(data: &[u8]) {
    for (activation, apply_b_dec) in [
        (None, None),
        (Some(Activation::Topk), None),
        (Some(Activation::Batchtopk), Some(true)),
    ] {
        let request = Request {
            activation,
            k: activation.map(|_| 1),
            apply_b_dec,
            ..Request::default()
        };
        if let Ok(converted) = exchange::read(data, &Sidecar::default(), &request) {
            let shape = converted.config.shape;
            assert_eq!(converted.params.enc.len(), shape.latents * shape.width);
            assert!(converted.params.enc.iter().all(|v| v.is_finite()));
        }
    }
}

/// Activations in `.npy`, HDF5 and Parquet, and the lists beside them: as many numbers as they say.
pub fn foreign_activations(data: &[u8]) {
    let read_npy = || -> Result<(), ForeignError> {
        let mut reader = NpyReader::new(data)?;
        let (mut left, mut rows) = (reader.rows(), Vec::new());
        while left > 0 {
            let take = left.min(100);
            reader.read(take as usize, &mut rows)?;
            assert_eq!(rows.len(), take as usize * reader.width());
            left -= take;
        }
        reader.finish()
    };
    let read_hdf5 = || -> Result<(), ForeignError> {
        let mut file = Hdf5Source::new(data.into())?;
        let mut numbers = Vec::new();
        for index in 0..file.datasets() {
            let embedding = file.open(index)?;
            // what compresses well may be a thousand times as long
            if embedding.rows * embedding.width < 1 << 22 {
                embedding.read(&mut numbers)?;
                assert_eq!(numbers.len(), embedding.rows * embedding.width);
            }
        }
        Ok(())
    };
    let read_parquet = || -> Result<(), TableError> {
        for batch in ActivationReader::new(parquet::open(data.to_vec().into())?)? {
            let batch = batch?;
            let numbers = batch.activations()?.len();
            assert_eq!(numbers, batch.rows() * batch.width());
        }
        Ok(())
    };
    let _ = (read_npy(), read_hdf5(), read_parquet());
    if let Ok(listed) = listing::read(data, str::to_owned) {
        assert!(listed.iter().all(|one| one.length != Some(0)));
    }
}

/// Structures of proteins: each chain shows its own sequence, and is read again from what is written for it.
pub fn structures(data: &[u8]) {
    let Ok(structure) = Structure::read(data) else {
        return;
    };
    for chain in structure.chains() {
        let letters: Vec<u8> = chain.residues.iter().map(|r| r.letter).collect();
        let known = letters.iter().filter(|&&letter| letter != b'X').count();
        let shown = structure.shows(&letters);
        assert!(shown.is_ok() || known < 10, "{shown:?}");
        let Ok(shown) = shown else { continue };
        let values = vec![Some(0.5); letters.len()];
        let mut written = Vec::new();
        let wrote = structure.write_b_factors(&mut written, &shown, &values);
        assert!(wrote.is_ok());
        let again = Structure::read(&written[..]).map(|again| again.chains().len());
        assert_eq!(again.ok(), Some(structure.chains().len()));
        assert_eq!(Trace::new(&structure, &shown).ca.len(), 8 * letters.len());
        let scene = Scene {
            title: "",
            file_name: "",
            structure: &structure,
            shown: &shown,
            values: &values,
            ranges: &[],
        };
        assert!(scene.write_mvsj(std::io::sink()).is_ok());
    }
}

/// Annotations whose format is told from content.
pub fn sniffed(data: &[u8]) {
    annotations(data, None);
}

/// GAF.
pub fn gaf(data: &[u8]) {
    annotations(data, Some(Format::Gaf));
}

/// GPAD.
pub fn gpad(data: &[u8]) {
    annotations(data, Some(Format::Gpad));
}

/// Tables of features.
pub fn feature_csv(data: &[u8]) {
    annotations(data, Some(Format::FeatureCsv));
}

/// `UniProt`'s flat file.
pub fn uniprot_dat(data: &[u8]) {
    annotations(data, Some(Format::UniprotDat));
}

/// `UniProt`'s XML.
pub fn uniprot_xml(data: &[u8]) {
    annotations(data, Some(Format::UniprotXml));
}

/// `UniProt`'s TSV.
pub fn uniprot_tsv(data: &[u8]) {
    annotations(data, Some(Format::UniprotTsv));
}

/// `UniProt`'s GFF.
pub fn uniprot_gff(data: &[u8]) {
    annotations(data, Some(Format::UniprotGff));
}

/// `InterProScan`'s TSV.
pub fn interproscan_tsv(data: &[u8]) {
    annotations(data, Some(Format::InterproscanTsv));
}

/// `InterProScan`'s GFF3.
pub fn interproscan_gff(data: &[u8]) {
    annotations(data, Some(Format::InterproscanGff));
}

/// `InterProScan`'s JSON.
pub fn interproscan_json(data: &[u8]) {
    annotations(data, Some(Format::InterproscanJson));
}

/// `InterProScan`'s XML.
pub fn interproscan_xml(data: &[u8]) {
    annotations(data, Some(Format::InterproscanXml));
}

/// `protein2ipr.dat`.
pub fn protein2ipr(data: &[u8]) {
    annotations(data, Some(Format::Protein2ipr));
}

/// FASTA; with its sequences, labels of residues.
pub fn fasta(data: &[u8]) {
    let mut letters = 0;
    for raw_ids in [false, true] {
        for protein in fasta::Reader::new(data, raw_ids) {
            match protein {
                Ok(protein) => {
                    assert!(!protein.accession.is_empty());
                    assert!(protein.sequence.iter().all(u8::is_ascii_uppercase));
                    letters += protein.sequence.len();
                }
                Err(error) if error.is_of_one_record() => {}
                Err(_) => break,
            }
        }
    }
    assert!(letters <= 2 * data.len());
}

/// Clusters of homologues.
pub fn clusters(data: &[u8]) {
    if let Ok(clusters) = clusters::read(data, str::to_owned, |_| false) {
        assert!(clusters.iter().all(|(name, members)| *name == members[0]));
    }
}

/// `split.tsv`.
pub fn split(data: &[u8]) {
    let _ = Partition::read(data);
}

/// Predictions of function, what proteins have, weights and lists of terms, and homologues, all of them on one input.
pub fn function_prediction(data: &[u8]) {
    let _ = cafa::read_predictions(data, |_, _, score| assert!((0.0..=1.0).contains(&score)));
    let _ = cafa::read_truth(data, |protein, _| assert!(!protein.is_empty()));
    let weights = cafa::read_weights(data).unwrap_or_default();
    assert!(weights.iter().all(|(_, weight)| weight.is_finite()));
    let _ = cafa::read_terms(data);
    for list in hits::read(data).unwrap_or_default().values() {
        assert!(list.iter().all(|hit| hit.identity.is_finite()));
    }
}

/// Lists that annotations refer to, all of them on one input.
pub fn lists(data: &[u8]) {
    let mut references = References::default();
    let _ = references.read_entries(data);
    let _ = references.read_tree(data);
    let _ = references.read_external2go(data);
    let _ = references.read_keywords(data);
    let _ = references.evidence.read(data);
}

/// What is done with an ontology: normal forms, hierarchies, ancestors, its own terms as labels.
fn use_ontology(ontology: &Ontology) {
    let mut forms = NormalForms::new(ontology);
    forms.keep_module(ontology.order.first().copied());
    for relations in [Relations::IsA, Relations::IsAPartOf, Relations::All] {
        let Ok(hierarchy) = Hierarchy::new(ontology, relations) else {
            continue;
        };
        let mut closure = Closure::new(&hierarchy);
        for class in (0..).take(ontology.classes.len().min(64)) {
            assert!(closure.ancestors(class).contains(&class));
        }
        let terminology = Terminology {
            ontology,
            hierarchy: &hierarchy,
        };
        let mut gaf = String::new();
        for id in ontology.classes.iter().take(64) {
            gaf.push_str("D\tP1\tS\t\t");
            gaf.push_str(id);
            gaf.push_str("\tR:1\tIDA\t\tP\t\t\tprotein\ttaxon:1\t20200101\tX\n");
        }
        let mut collector = Collector::new(Settings {
            skip_bad: true,
            ..Settings::default()
        });
        if format::read(gaf.as_bytes(), Some(Format::Gaf), "input", &mut collector).is_err() {
            continue;
        }
        let choice = Choice {
            min_count: 1,
            ..Choice::default()
        };
        let mut vocabulary =
            Vocabulary::new(collector, Some(terminology), &choice).expect("there is an ontology");
        let counted = vocabulary.labels(|_| Ok::<(), ()>(()));
        assert!(counted.is_ok());
    }
}

/// OBO.
pub fn obo(data: &[u8]) {
    if let Ok(ontology) = ontology::obo::read(data) {
        use_ontology(&ontology);
    }
}

/// OBO Graphs.
pub fn obo_graphs(data: &[u8]) {
    if let Ok(ontology) = ontology::graphs::read(data) {
        use_ontology(&ontology);
    }
}

/// Published normal forms.
pub fn normal_forms(data: &[u8]) {
    if let Ok(mut file) = norm_file::read(data) {
        file.forms.tidy();
        file.forms.keep_module([]);
    }
}

/// Arrow tables of all kinds, mapped and streamed.
pub fn arrow_tables(data: &[u8]) {
    let sources = || {
        [
            TableSource::from_file_bytes(data.into()),
            TableSource::from_reader(Box::new(Cursor::new(data.to_vec()))),
        ]
    };
    for source in sources().into_iter().flatten() {
        let _ = labels::read::<TableError>(source, |_| Ok(()));
    }
    for source in sources().into_iter().flatten() {
        let _ = proteins::read::<TableError>(source, |_, _| Ok(()));
    }
    for source in sources().into_iter().flatten() {
        let _ = NeighbourTable::read(source, 2);
    }
    for source in sources().into_iter().flatten() {
        for batch in FeatureReader::new(source).into_iter().flatten() {
            let Ok(batch) = batch else { break };
            let _ = batch.columns().is_ok();
        }
    }
    for source in sources().into_iter().flatten() {
        for batch in ActivationReader::new(source).into_iter().flatten() {
            let Ok(batch) = batch else { break };
            let _ = batch.positions().is_ok() && batch.residues().is_ok();
            let _ = batch.activations().is_ok();
        }
    }
}
