# What ends a run: versions of what ran, one MultiQC report over all proteomes, the crate.
# Names of proteomes stay whole there, whatever ending they seem to have.
MULTIQC = """
title: ProtSAE
fn_clean_sample_names: false
""".strip()


rule versions:
    output:
        flat=f"{RESULTS}/versions.yml",
        grouped=f"{RESULTS}/protsae_mqc_versions.yml",
    log:
        f"{RESULTS}/logs/versions.log",
    retries: 2
    conda:
        "../envs/protsae.yaml"
    container:
        CONTAINER
    resources:
        tried=tried,
        gpu=0,
        mem_mb=doubling(1000),
        runtime=10,
    params:
        step=STEP,
        tools=[f"protsae-{name}" for name in EXECUTABLES],
    shell:
        "{params.step} {resources.tried} {log:q}"
        " versions {output.flat:q} {output.grouped:q} {params.tools}"


rule multiqc:
    input:
        tables=multiqc_tables(),
        versions=f"{RESULTS}/protsae_mqc_versions.yml",
    output:
        report(
            f"{RESULTS}/multiqc_report.html",
            caption="../report/multiqc.rst",
            category="Reports",
            labels={"of": "all", "what": "MultiQC"},
        ),
    log:
        f"{RESULTS}/logs/multiqc.log",
    retries: 2
    conda:
        "../envs/multiqc.yaml"
    container:
        config["multiqc_container"]
    resources:
        tried=tried,
        gpu=0,
        mem_mb=doubling(2000),
        runtime=30,
    params:
        step=STEP,
        configuration=verbatim(MULTIQC),
        folder=top_folder,
    shell:
        "{params.step} {resources.tried} {log:q}"
        " multiqc --force --no-ansi --no-version-check --no-data-dir"
        " --cl-config {params.configuration:q} --outdir {params.folder:q}"
        " --filename multiqc_report.html {input.tables:q} {input.versions:q}"


# the crate knows its own log too, which is empty, since it says nothing that is no error
rule crate:
    input:
        results=RESULTS_OF_ALL,
        provenance=provenance,
    output:
        f"{RESULTS}/ro-crate-metadata.json",
    log:
        f"{RESULTS}/logs/crate.log",
    retries: 2
    conda:
        "../envs/protsae.yaml"
    container:
        CONTAINER
    resources:
        tried=tried,
        gpu=0,
        mem_mb=doubling(1000),
        runtime=60,
    params:
        step=STEP,
        provenance=provenance_flags,
        folder=top_folder,
    shell:
        "{params.step} {resources.tried} {log:q}"
        " protsae-crate {params.provenance} --root {params.folder:q} -q -o {output:q}"
