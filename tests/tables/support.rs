//! A small table of each kind.

use protsae::{
    annot::label::Label,
    table::{
        Container, PlmIdentity, SaeIdentity, TableError, TableSource,
        activations::{ActivationInfo, ActivationReader, ActivationWriter},
        features::{FeatureInfo, FeatureReader, FeatureWriter, ResidueFeatures},
        labels,
        metadata::{Convention, Site},
        proteins::{self, ProteinFeatures, ProteinWriter},
        schema::ActivationType,
    },
};

pub(crate) fn plm(width: u32) -> PlmIdentity {
    PlmIdentity {
        name: "tiny".into(),
        sha256: "ab".repeat(32),
        layer: 3,
        site: Site::Residual,
        convention: Convention::HiddenStates,
        family: Some("ESM-2".into()),
        width,
    }
}

pub(crate) fn activation_info(width: u32) -> ActivationInfo {
    ActivationInfo {
        plm: Some(plm(width)),
        sample: None,
        pool: None,
        compute: Some("f32".into()),
    }
}

pub(crate) fn feature_info() -> FeatureInfo {
    FeatureInfo {
        plm: Some(plm(2)),
        sae: Some(SaeIdentity {
            sha256: "cd".repeat(32),
            latents: 8,
            concepts: 2,
            k: 3,
        }),
        sample: None,
        dictionary: None,
    }
}

/// A residue of an activation table.
pub(crate) type Row = (String, u32, u8, Vec<f32>);

/// Proteins P1 (MK) and P2 (A), width 2.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        ("P1".into(), 1, b'M', vec![0.5, -1.0]),
        ("P1".into(), 2, b'K', vec![1.5, 0.25]),
        ("P2".into(), 1, b'A', vec![-0.5, 2.0]),
    ]
}

pub(crate) fn write_activations(rows: &[Row], container: Container, of: ActivationType) -> Vec<u8> {
    let width = rows.first().map_or(2, |r| r.3.len());
    let info = activation_info(width as u32);
    let mut writer = ActivationWriter::new(Vec::new(), container, width, of, &info).unwrap();
    for (protein, position, residue, x) in rows {
        writer.push(protein, &[*position], &[*residue], x).unwrap();
    }
    writer.finish().unwrap()
}

/// Opens bytes as a file that was mapped, or as a stream.
pub(crate) fn open(bytes: &[u8], mapped: bool) -> Result<TableSource, TableError> {
    if mapped {
        TableSource::from_file_bytes(bytes.into())
    } else {
        TableSource::from_reader(Box::new(std::io::Cursor::new(bytes.to_vec())))
    }
}

pub(crate) fn read_activations(source: TableSource) -> Result<Vec<Row>, TableError> {
    let mut rows = Vec::new();
    for batch in ActivationReader::new(source)? {
        let batch = batch?;
        let (positions, residues) = (batch.positions()?, batch.residues()?);
        let x = batch.activations()?;
        for row in 0..batch.rows() {
            let x = x[row * batch.width()..(row + 1) * batch.width()].to_vec();
            rows.push((
                batch.protein(row).to_owned(),
                positions[row],
                residues[row],
                x,
            ));
        }
    }
    Ok(rows)
}

pub(crate) fn label_rows() -> Vec<Label> {
    let label =
        |protein: &str, concept: &str, range: Option<(u32, u32)>, evidence: Option<&str>| Label {
            protein: protein.into(),
            concept: concept.into(),
            start: range.map(|r| r.0),
            end: range.map(|r| r.1),
            instance: 1,
            source: "UniProtKB".into(),
            evidence: evidence.map(Into::into),
        };
    vec![
        label("P1", "GO:0005524", None, Some("IDA")),
        label("P1", "BINDING:Zn(2+)", Some((2, 2)), None),
    ]
}

pub(crate) fn write_labels(container: Container) -> Vec<u8> {
    labels::write(Vec::new(), container, &label_rows()).unwrap()
}

pub(crate) fn read_labels(source: TableSource) -> Result<Vec<Label>, TableError> {
    let mut rows = Vec::new();
    labels::read(source, |label| {
        rows.push(label);
        Ok::<_, TableError>(())
    })?;
    Ok(rows)
}

pub(crate) fn write_features(container: Container) -> Vec<u8> {
    let mut writer = FeatureWriter::new(Vec::new(), container, &feature_info()).unwrap();
    let row = |position, residue, latents, activations| ResidueFeatures {
        position,
        residue,
        latents,
        activations,
        concepts: &[1],
        probabilities: &[0.75],
    };
    writer
        .push("P1", row(1, b'M', &[0, 5], &[0.5, 2.0]))
        .unwrap();
    writer.push("P1", row(2, b'K', &[], &[])).unwrap();
    writer.finish().unwrap()
}

/// Position, latents and activations of a residue.
pub(crate) type Feature = (u32, Vec<u32>, Vec<f32>);

pub(crate) fn read_features(source: TableSource) -> Result<Vec<Feature>, TableError> {
    let mut rows = Vec::new();
    for batch in FeatureReader::new(source)? {
        let batch = batch?;
        let columns = batch.columns()?;
        for row in 0..batch.rows() {
            let latents = columns.latent.row(row).to_vec();
            rows.push((
                columns.position[row],
                latents,
                columns.activation.row(row).to_vec(),
            ));
        }
    }
    Ok(rows)
}

pub(crate) fn protein_rows() -> Vec<ProteinFeatures> {
    vec![ProteinFeatures {
        protein: "P1".into(),
        length: 2,
        concepts: vec![0, 1],
        probability_mean: vec![0.5, 0.25],
        probability_max: vec![0.75, 0.5],
        latents: vec![5],
        activation_mean: vec![1.0],
        activation_max: vec![2.0],
        calls: None,
    }]
}

pub(crate) fn write_proteins(container: Container) -> Vec<u8> {
    let mut writer = ProteinWriter::new(Vec::new(), container, &feature_info()).unwrap();
    for row in protein_rows() {
        writer.push(&row).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn read_proteins(source: TableSource) -> Result<Vec<ProteinFeatures>, TableError> {
    let mut rows = Vec::new();
    proteins::read(source, |_, row| {
        rows.push(row);
        Ok::<_, TableError>(())
    })?;
    Ok(rows)
}
