//! An autoencoder inserted by the engine of other devices, run on the CPU.

use crate::fixture::{LAYER, PROTEINS, plm, sae};
use candle_core::Device;
use protsae::{
    plm::{
        batch::Batch,
        encoder::{CandleModel, LoadPlan, Model},
        place::{Place, Replacement},
        weights::{ModelFolder, Precision},
    },
    steer::{Change, Insertion, Mode},
    table::metadata::Site,
};

#[test]
fn both_engines_insert_alike() {
    let folder = ModelFolder::open(&plm()).unwrap();
    let plan = LoadPlan::with_head(Precision::F32);
    let model = Model::load(&folder, plan).unwrap();
    let other = CandleModel::load(&folder, plan, &Device::Cpu).unwrap();
    let mut batch = Batch::new();
    for (_, sequence) in PROTEINS {
        batch.push(&folder.vocabulary, sequence.as_bytes());
    }
    let sae = sae();
    let place = Place::new(Site::Residual, LAYER, model.architecture()).unwrap();
    let plain = Insertion::reconstructing(&sae);
    let steered = plain.with(Change::Add {
        latents: vec![0],
        mode: Mode::Absolute,
        scale: 8.0,
    });
    let mut largest = 0f32;
    for insertion in [&plain, &steered, &Insertion::zero()] {
        let replacement = Some(Replacement {
            place,
            edit: insertion,
        });
        let want = model.logits(&batch, replacement);
        let got = other.logits(&batch, replacement).unwrap();
        insertion.check().unwrap();
        for token in 0..batch.tokens().len() {
            for (got, want) in got.row(token).iter().zip(want.row(token)) {
                assert!((got - want).abs() < 2e-3, "token {token}: {got} and {want}");
                largest = largest.max(want.abs());
            }
        }
    }
    assert!(largest > 1.0);
    let without = model.logits(&batch, None);
    let edit = Some(Replacement {
        place,
        edit: &plain,
    });
    let with = model.logits(&batch, edit);
    for (a, b) in with.row(5).iter().zip(without.row(5)) {
        assert!((a - b).abs() < 1e-3, "an exact autoencoder: {a} and {b}");
    }
}
