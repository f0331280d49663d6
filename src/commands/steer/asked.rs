//! What the options ask for, in the words of the science.

use super::{Args, ControlChoice, Decoding, RANDOM};
use crate::{
    Error, Result,
    cli::{Context, log},
    commands::shared,
    steer::{
        filling::Filling,
        generator::Settings,
        positions::{Listed, Positions},
        treatment::{Control, Dose},
    },
};

/// Word for `--positions`.
const LOW_ACTIVATION: &str = "low-activation";

impl Args {
    /// How sequences are generated.
    ///
    /// # Errors
    /// Where options make no sense, or a file of positions is none.
    pub(super) fn settings(&self, context: &Context) -> Result<Settings> {
        let filling = self.filling()?;
        shared::check_share("--mask-ratio", self.mask_ratio)?;
        if self.mask_ratio <= 0.0 {
            return Err(Error::usage("--mask-ratio is 0, expected more"));
        }
        let settings = Settings {
            positions: self.positions(context)?,
            mask_ratio: self.mask_ratio,
            rounds: self.rounds,
            filling,
            samples: self.samples,
            seed: context.seed(),
        };
        Self::warn_of_equal_samples(&settings);
        Ok(settings)
    }

    fn filling(&self) -> Result<Filling> {
        match (self.decode, self.temperature) {
            (Decoding::Argmax, None) => Ok(Filling::Argmax),
            (Decoding::Argmax, Some(_)) => Err(Error::usage(
                "--temperature means nothing without --decode sample",
            )),
            (Decoding::Sample, temperature) => {
                let temperature = temperature.unwrap_or(1.0);
                if !temperature.is_finite() || temperature <= 0.0 {
                    return Err(Error::usage(format!(
                        "--temperature is {temperature}, expected a number above 0"
                    )));
                }
                Ok(Filling::Sample { temperature })
            }
        }
    }

    /// How much latents are changed.
    ///
    /// # Errors
    /// Where a scale is none.
    pub(super) fn dose(&self) -> Result<Dose> {
        if self.ablate {
            return Ok(Dose::Ablate);
        }
        for (number, scale) in self.scale.iter().enumerate() {
            if !(*scale as f32).is_finite() {
                return Err(Error::usage(format!(
                    "--scale is {scale}, expected a number of single precision"
                )));
            }
            if self.scale[..number].contains(scale) {
                return Err(Error::usage(format!("--scale {scale} is given twice")));
            }
        }
        // without a negative zero
        let scales = self.scale.iter().map(|scale| scale + 0.0).collect();
        Ok(Dose::Scales(self.mode, scales))
    }

    /// What to compare with.
    pub(super) fn controls(&self) -> Vec<Control> {
        let wanted =
            |choice| self.control.contains(&choice) || self.control.contains(&ControlChoice::All);
        let all = [
            (ControlChoice::Unsteered, Control::Unsteered),
            (ControlChoice::None, Control::None),
            (ControlChoice::RandomLatents, Control::RandomLatents),
            (ControlChoice::Unrelated, Control::Unrelated),
        ];
        let wanted = all.into_iter().filter(|&(choice, _)| wanted(choice));
        wanted.map(|(_, control)| control).collect()
    }

    fn positions(&self, context: &Context) -> Result<Positions> {
        match self.positions.path().and_then(|path| path.to_str()) {
            Some(RANDOM) => Ok(Positions::Random),
            Some(LOW_ACTIVATION) => Ok(Positions::LowActivation),
            _ => {
                let read = Listed::read(context.open(&self.positions)?, self.positions.to_string());
                let listed = read.map_err(self.positions.in_input())?;
                Ok(Positions::Listed(listed))
            }
        }
    }

    fn warn_of_equal_samples(settings: &Settings) {
        let drawn = matches!(settings.positions, Positions::Random)
            || matches!(settings.filling, Filling::Sample { .. });
        if settings.samples > 1 && !drawn {
            log::warn(
                "nothing is drawn, so all samples of a protein are alike: --decode sample or --positions random draws",
            );
        }
    }
}
