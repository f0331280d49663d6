//! What is steered towards: a concept with its ancestors, or a latent by its number.

use super::{
    draw::{Purpose, stream},
    error::SteerError,
};
use crate::{
    math::random::{below, shuffle},
    sae::{Hierarchy, Sae, config::Variant},
};

/// Ids that are named where one is not known.
const NEAR: usize = 3;

/// What is steered towards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Goal {
    /// Id of the concept, or `latent:N`.
    pub(crate) id: String,
    /// The id in names of sequences: its letters and digits, with the number of its latent where another goal reads
    /// alike.
    pub(crate) tag: String,
    /// The concept whose probability is told, by its index.
    pub(crate) concept: Option<u32>,
    /// Latents that are changed, ascending.
    pub(crate) latents: Vec<u32>,
}

/// Makes goals of a model's concepts and latents.
#[derive(Debug)]
pub(crate) struct Goals<'a> {
    sae: &'a Sae,
    hierarchy: Hierarchy,
    /// Whether a concept's ancestors are changed with it.
    ancestors: bool,
}

fn tag(id: &str) -> String {
    let letters = id.chars().filter(char::is_ascii_alphanumeric);
    letters.collect()
}

impl<'a> Goals<'a> {
    /// Of this model.
    ///
    /// # Errors
    /// [`SteerError::NoDecoder`] of a model that reconstructs nothing.
    pub(crate) fn new(sae: &'a Sae, ancestors: bool) -> Result<Self, SteerError> {
        if matches!(sae.config.objective.variant, Variant::LinearProbe(_)) {
            return Err(SteerError::NoDecoder);
        }
        Ok(Self {
            sae,
            hierarchy: Hierarchy::new(&sae.concepts, sae.config.shape.defined),
            ancestors,
        })
    }

    /// All goals that are asked for: concepts by their ids, then latents by their numbers.
    ///
    /// # Errors
    /// [`SteerError`] of one that the model does not have, or of one that is asked for twice.
    pub(crate) fn all(
        &self,
        concepts: &[String],
        latents: &[u32],
    ) -> Result<Vec<Goal>, SteerError> {
        let mut goals: Vec<Goal> = Vec::new();
        let concepts = concepts.iter().map(|id| self.concept(id));
        let latents = latents.iter().map(|&latent| self.latent(latent));
        for goal in concepts.chain(latents) {
            let mut goal = goal?;
            if goals.iter().any(|other| other.id == goal.id) {
                return Err(SteerError::Twice(goal.id));
            }
            if goals.iter().any(|other| other.tag == goal.tag) {
                let number = goal.concept.or(goal.latents.first().copied());
                goal.tag = format!("{}l{}", goal.tag, number.unwrap_or(0));
            }
            goals.push(goal);
        }
        Ok(goals)
    }

    /// Ids of concepts that latents are tied to, in the order of the latents.
    fn ids(&self) -> impl Iterator<Item = &'a str> {
        let defined = self.sae.config.shape.defined;
        let concepts = self.sae.concepts.concepts.iter().take(defined);
        concepts.map(|concept| concept.id.as_str())
    }

    fn concept(&self, id: &str) -> Result<Goal, SteerError> {
        let at = self.ids().position(|known| known == id);
        let index = at.ok_or_else(|| SteerError::UnknownConcept {
            id: id.into(),
            concepts: self.ids().count(),
            near: self.near(id),
        })? as u32;
        Ok(Goal {
            id: id.into(),
            tag: tag(id),
            concept: Some(index),
            latents: self.latents_of(index),
        })
    }

    fn latent(&self, latent: u32) -> Result<Goal, SteerError> {
        let shape = &self.sae.config.shape;
        if latent as usize >= shape.latents {
            return Err(SteerError::UnknownLatent {
                latent,
                latents: shape.latents,
            });
        }
        Ok(Goal {
            id: format!("latent:{latent}"),
            tag: format!("latent{latent}"),
            concept: Some(latent).filter(|&latent| (latent as usize) < shape.defined),
            latents: vec![latent],
        })
    }

    /// A concept's latent, with those of its ancestors where they are wanted.
    fn latents_of(&self, concept: u32) -> Vec<u32> {
        if self.ancestors {
            self.hierarchy.ancestors(concept).to_vec()
        } else {
            vec![concept]
        }
    }

    /// Ids of concepts whose id or name is like a text.
    fn near(&self, text: &str) -> Vec<String> {
        let text = text.to_lowercase();
        let defined = self.sae.config.shape.defined;
        let concepts = self.sae.concepts.concepts.iter().take(defined);
        let like = |other: &str| strsim::jaro_winkler(&text, &other.to_lowercase());
        let mut scored: Vec<(f64, &str)> = concepts
            .map(|c| (like(&c.id).max(like(&c.name)), c.id.as_str()))
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let nearest = scored.into_iter().take(NEAR);
        nearest.map(|(_, id)| id.to_owned()).collect()
    }

    /// Whether a latent was ever active on the training rows; true where nobody knows.
    fn is_alive(&self, latent: u32) -> bool {
        !self.sae.knows_maxima() || self.sae.latent_max[latent as usize] > 0.0
    }

    /// As many latents as a goal has, drawn among those of no concept, by the seed and the goal.
    ///
    /// # Errors
    /// [`SteerError::NoControl`] where there are fewer.
    pub(crate) fn random(&self, goal: &Goal, seed: u64) -> Result<Vec<u32>, SteerError> {
        let shape = &self.sae.config.shape;
        let unknown = shape.defined as u32..shape.latents as u32;
        let mut latents: Vec<u32> = unknown
            .filter(|&latent| self.is_alive(latent) && !goal.latents.contains(&latent))
            .collect();
        if latents.len() < goal.latents.len() {
            return Err(SteerError::NoControl {
                goal: goal.id.clone(),
                reason: "too few latents of no concept that are ever active to draw others from",
            });
        }
        shuffle(
            &mut stream(seed, Purpose::Latents, &[&goal.id]),
            &mut latents,
        );
        latents.truncate(goal.latents.len());
        latents.sort_unstable();
        Ok(latents)
    }

    /// The latents of another concept that has no ancestor in common with a goal, drawn by the seed and the
    /// goal.
    ///
    /// # Errors
    /// [`SteerError::NoControl`] where there is none.
    pub(crate) fn unrelated(&self, goal: &Goal, seed: u64) -> Result<Vec<u32>, SteerError> {
        let own = match goal.concept {
            Some(concept) => self.hierarchy.ancestors(concept),
            None => &[],
        };
        let defined = self.sae.config.shape.defined as u32;
        let others: Vec<u32> = (0..defined)
            .filter(|&concept| {
                let ancestors = self.hierarchy.ancestors(concept);
                self.is_alive(concept) && !ancestors.iter().any(|c| own.contains(c))
            })
            .collect();
        if others.is_empty() {
            return Err(SteerError::NoControl {
                goal: goal.id.clone(),
                reason: "every other concept that is ever active has an ancestor in common with it",
            });
        }
        let mut rng = stream(seed, Purpose::Concept, &[&goal.id]);
        let drawn = others[below(&mut rng, others.len() as u64) as usize];
        Ok(self.latents_of(drawn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steer::testing;

    /// Concepts 0 to 4: 1 and 2 below 0, 4 below 3; latents 5 to 8 of no concept, of which 8 is dead.
    fn sae() -> Sae {
        let mut sae = testing::protsae(4, 9, 5, 2);
        let parents: [&[u32]; 5] = [&[], &[0], &[0], &[], &[3]];
        let ids = [
            "GO:1",
            "GO:2",
            "BINDING:Zn(2+)",
            "BINDING:Zn2",
            "DOMAIN:Sushi",
        ];
        sae.concepts.concepts = testing::concepts(&ids, &parents);
        sae.latent_max = vec![2.0; 9];
        sae.latent_max[8] = 0.0;
        sae
    }

    #[test]
    fn a_concept_brings_its_ancestors() {
        let sae = sae();
        let goals = Goals::new(&sae, true).unwrap();
        let asked = ["BINDING:Zn(2+)", "BINDING:Zn2"].map(String::from);
        let all = goals.all(&asked, &[7, 1]).unwrap();
        let shown: Vec<_> = all
            .iter()
            .map(|g| (g.tag.as_str(), g.concept, &g.latents[..]))
            .collect();
        let want: [(&str, Option<u32>, &[u32]); 4] = [
            ("BINDINGZn2", Some(2), &[0, 2]),
            ("BINDINGZn2l3", Some(3), &[3]),
            ("latent7", None, &[7]),
            ("latent1", Some(1), &[1]),
        ];
        assert_eq!(shown, want);
        let alone = Goals::new(&sae, false).unwrap();
        assert_eq!(alone.concept("GO:2").unwrap().latents, [1]);
    }

    #[test]
    fn what_the_model_lacks_is_named_with_what_is_near() {
        let sae = sae();
        let goals = Goals::new(&sae, true).unwrap();
        let error = goals.concept("DOMAIN:Sush").unwrap_err().to_string();
        assert!(
            error.contains("none of the 5") && error.contains("near: DOMAIN:Sushi"),
            "{error}"
        );
        let error = goals.latent(9).unwrap_err().to_string();
        assert!(
            error.contains("latent 9") && error.contains("has 9"),
            "{error}"
        );
        let twice = goals.all(&["GO:1".into(), "GO:1".into()], &[]);
        assert!(matches!(twice, Err(SteerError::Twice(_))));
    }

    #[test]
    fn controls_share_nothing_with_the_goal() {
        let sae = sae();
        let goals = Goals::new(&sae, true).unwrap();
        let goal = goals.concept("GO:2").unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..40 {
            let random = goals.random(&goal, seed).unwrap();
            assert!(
                random.len() == 2 && random.iter().all(|l| (5..8).contains(l)),
                "{random:?}"
            );
            let unrelated = goals.unrelated(&goal, seed).unwrap();
            assert!(unrelated == [3] || unrelated == [3, 4], "{unrelated:?}");
            seen.insert((random, unrelated));
        }
        assert!(seen.len() > 3);
        let mut few = sae.clone();
        few.latent_max[5] = 0.0;
        few.latent_max[6] = 0.0;
        few.latent_max[3] = 0.0;
        few.latent_max[4] = 0.0;
        let goals = Goals::new(&few, true).unwrap();
        assert!(matches!(
            goals.random(&goal, 0),
            Err(SteerError::NoControl { .. })
        ));
        assert!(matches!(
            goals.unrelated(&goal, 0),
            Err(SteerError::NoControl { .. })
        ));
    }
}
