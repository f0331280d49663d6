//! What is done to a goal's latents, and what it is compared with.

use super::{
    change::{Change, Mode},
    error::SteerError,
    goal::{Goal, Goals},
    insertion::Insertion,
};
use crate::sae::Sae;

/// An arm of the experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Arm {
    /// The goal's latents are raised.
    Steered,
    /// The goal's latents are set to 0.
    Ablated,
    /// The autoencoder is inserted and nothing is changed.
    Unsteered,
    /// Nothing is inserted: the PLM fills in by itself.
    Plain,
    /// Latents of no concept are changed, as many as the goal's.
    Random,
    /// The latents of another concept are changed, one without common ancestors.
    Unrelated,
}

impl Arm {
    /// All, in the order of the table.
    pub(crate) const ALL: [Self; 6] = [
        Self::Steered,
        Self::Ablated,
        Self::Unsteered,
        Self::Plain,
        Self::Random,
        Self::Unrelated,
    ];

    /// Its name in the table.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Steered => "steered",
            Self::Ablated => "ablated",
            Self::Unsteered => "unsteered",
            Self::Plain => "plain",
            Self::Random => "random",
            Self::Unrelated => "unrelated",
        }
    }
}

/// A control beside the arm that is steered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// [`Arm::Unsteered`].
    Unsteered,
    /// [`Arm::Plain`].
    None,
    /// [`Arm::Random`].
    RandomLatents,
    /// [`Arm::Unrelated`].
    Unrelated,
}

/// How much latents are changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Dose {
    /// By each of these scales, in units of the mode.
    Scales(Mode, Vec<f64>),
    /// Down to 0.
    Ablate,
}

impl Dose {
    /// Changes of these latents, each with its scale.
    fn changes(&self, latents: &[u32]) -> Vec<(Option<f64>, Change)> {
        let latents = latents.to_vec();
        match self {
            Self::Ablate => vec![(None, Change::Ablate { latents })],
            Self::Scales(mode, scales) => {
                let add = |&scale: &f64| {
                    let change = Change::Add {
                        latents: latents.clone(),
                        mode: *mode,
                        scale: scale as f32,
                    };
                    (Some(scale), change)
                };
                scales.iter().map(add).collect()
            }
        }
    }
}

/// One arm at one scale, for one goal.
pub(crate) struct Treatment<'a> {
    /// The goal's number.
    pub(crate) goal: usize,
    /// The arm.
    pub(crate) arm: Arm,
    /// How much; none where that means nothing.
    pub(crate) scale: Option<f64>,
    /// Latents that are changed.
    pub(crate) latents: Vec<u32>,
    /// What is inserted, if anything.
    pub(crate) insertion: Option<Insertion<'a>>,
}

/// All treatments of all goals, in order of goal, arm and scale.
///
/// # Errors
/// [`SteerError`] where the model does not bear a dose or a control.
pub(crate) fn treatments<'a>(
    sae: &'a Sae,
    goals: (&Goals<'_>, &[Goal]),
    dose: &Dose,
    controls: &[Control],
    seed: u64,
) -> Result<Vec<Treatment<'a>>, SteerError> {
    if matches!(dose, Dose::Scales(Mode::RelativeDataset, _)) && !sae.knows_maxima() {
        return Err(SteerError::NoMaxima);
    }
    let plain = Insertion::reconstructing(sae);
    let main = if *dose == Dose::Ablate {
        Arm::Ablated
    } else {
        Arm::Steered
    };
    let (maker, goals) = goals;
    let mut all = Vec::new();
    for (number, goal) in goals.iter().enumerate() {
        let mut add = |arm, scale, latents: &[u32], insertion| {
            all.push(Treatment {
                goal: number,
                arm,
                scale,
                latents: latents.to_vec(),
                insertion,
            });
        };
        let mut changed = |arm, latents: &[u32]| {
            for (scale, change) in dose.changes(latents) {
                add(arm, scale, latents, Some(plain.with(change)));
            }
        };
        changed(main, &goal.latents);
        for control in controls {
            match control {
                Control::RandomLatents => changed(Arm::Random, &maker.random(goal, seed)?),
                Control::Unrelated => changed(Arm::Unrelated, &maker.unrelated(goal, seed)?),
                Control::Unsteered | Control::None => {}
            }
        }
        if controls.contains(&Control::Unsteered) {
            add(Arm::Unsteered, None, &[], Some(plain.with(Change::None)));
        }
        if controls.contains(&Control::None) {
            add(Arm::Plain, None, &[], None);
        }
    }
    // stable: scales stay as they were asked for
    all.sort_by_key(|t| (t.goal, t.arm));
    Ok(all)
}
