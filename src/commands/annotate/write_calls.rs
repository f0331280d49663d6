//! The course of a run that writes calls of whole proteins.

use super::{
    Args,
    calls::{self, Job, Names},
    name_output,
};
use crate::{
    Result, cli::Context, commands::shared, error::Context as _, report::calls::CallFormat,
    sae::folder::Sae, score::dictionary::Dictionary, table::SaeIdentity,
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
        let (dictionary, identity) = self.dictionary_of(context, sae.as_ref())?;
        let names = Names::new(sae.as_ref(), dictionary.as_ref());
        self.calls.check(format, &names)?;
        let ontology = self.calls.ontology(context)?;
        if context.is_dry_run() {
            return calls::plan(context, self.input.iter().chain(&self.calls.proteins));
        }
        let provenance = self.calls.provenance(
            ontology.as_ref().map(|(ontology, _)| ontology),
            identity.as_ref().map(|(_, sae)| sae),
            dictionary.is_some(),
        );
        let mut output = context.create(&self.output)?;
        let counts = {
            let mut writer = (format.writer)(&mut output, &provenance);
            let job = Job {
                names: &names,
                ontology: ontology.as_ref(),
                format,
                min_precision: self.min_precision,
                identity: identity.as_ref(),
                features: &self.input,
            };
            let run = self.calls.run(context, &job, &mut *writer);
            run.map_err(|e| name_output(e, &self.output))?
        };
        output.flush().during(&self.output.to_string())?;
        output.commit()?;
        counts.report(context);
        Ok(())
    }

    /// The dictionary, and which SAE all is of, by the name of who says it.
    fn dictionary_of(
        &self,
        context: &Context,
        sae: Option<&Sae>,
    ) -> Result<(Option<Dictionary>, Option<(String, SaeIdentity)>)> {
        let folder = self.model.as_ref().map(|f| f.display().to_string());
        let of_model = folder.zip(sae.map(Sae::identity));
        let Some(path) = &self.dictionary else {
            return Ok((None, of_model));
        };
        let (dictionary, _) = shared::read_dictionary(context, path)?;
        let name = path.display().to_string();
        let identity = match (of_model, &dictionary.sae) {
            (Some((folder, sae)), Some(own)) => {
                own.check_same(&name, &sae, &folder)?;
                Some((folder, sae))
            }
            (None, Some(own)) => Some((name, own.clone())),
            (of_model, None) => of_model,
        };
        Ok((Some(dictionary), identity))
    }
}
