//! The course of a run that writes calls of whole proteins.

use super::{
    Args,
    calls::{self, Job, Names},
    known::NamedSae,
    name_output,
    summary::Tally,
};
use crate::{
    Result, cli::Context, commands::shared, error::Context as _, report::calls::CallFormat,
};
use std::io::Write as _;

impl Args {
    /// Writes calls of whole proteins.
    pub(super) fn write_calls(&self, context: &Context, format: CallFormat) -> Result<()> {
        if let Some(least) = self.min_precision {
            shared::check_share("--min-precision", least)?;
        }
        let sae = match &self.model {
            Some(folder) => Some(shared::load_model(context, folder)?),
            None => None,
        };
        let mut identity = NamedSae::of_model(self.model.as_ref(), sae.as_ref());
        let dictionary = match &self.dictionary {
            Some(path) => {
                let dictionary = shared::read_dictionary(context, path)?.content;
                identity = NamedSae::or_of(identity, &dictionary, path)?;
                Some(dictionary)
            }
            None => None,
        };
        let names = Names::new(sae.as_ref(), dictionary.as_ref());
        self.calls.check(format, &names)?;
        let ontology = self.calls.ontology(context)?;
        if context.is_dry_run() {
            return calls::plan(context, self.input.iter().chain(&self.calls.proteins));
        }
        let provenance = self.calls.provenance(
            ontology.as_ref().map(|terms| &terms.ontology),
            identity.as_ref().map(|named| &named.sae),
            dictionary.is_some(),
        );
        let known_labels = self.known_labels(context)?;
        let job = Job {
            names: &names,
            ontology: ontology.as_ref(),
            format,
            min_precision: self.min_precision,
            identity: identity.as_ref(),
            known_labels: known_labels.as_ref(),
            features: &self.input,
        };
        let mut tally = Tally::default();
        let mut output = context.create(&self.output)?;
        let counts = {
            let mut writer = (format.writer)(&mut output, &provenance);
            let mut counted = tally.of_calls(&mut *writer);
            let run = self.calls.run(context, &job, &mut counted);
            run.map_err(|e| name_output(e, &self.output))?
        };
        output.flush().during(&self.output.to_string())?;
        output.commit()?;
        let table = || tally.table_of_calls(&self.multiqc.sample());
        self.multiqc.write(context, table)?;
        counts.report(context, &job);
        Ok(())
    }
}
