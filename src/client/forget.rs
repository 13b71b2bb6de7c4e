//! Deleting what belongs to a person or a tenant in all collections of a store, in one step.

use std::sync::Arc;

use super::{Call, Selection};
pub use crate::collection::{ForgetReceipt, ForgottenIn};
use crate::{
    collection::{Collection, Forget, ForgottenFrom, Guards, OnProgress, Refusal},
    error::{Error, Result},
};

/// What is to be forgotten.
pub struct Forgetting {
    pub selection: Selection,
    /// The names of the collections; none for all.
    pub collections: Option<Vec<String>>,
    /// Delete nothing, and report what would be deleted.
    pub dry_run: bool,
    /// They count the vectors of all collections together.
    pub guards: Guards,
    /// Why, for the receipt and the ledger.
    pub reason: Option<String>,
    /// Called with the phase, `forget`, and how many of the vectors are deleted.
    pub on_progress: Option<OnProgress>,
}

/// What was, or would be, forgotten.
#[derive(Debug)]
pub struct Forgotten {
    /// For each collection, sorted by name.
    pub collections: Vec<ForgottenIn>,
    pub applied: bool,
    pub refusal: Option<Refusal>,
    /// Present if it was done.
    pub receipt: Option<ForgetReceipt>,
}

impl Call {
    /// Deletes what is selected in all the collections, in one step.
    pub fn forget(&self, forgetting: Forgetting) -> Result<Forgotten> {
        let forget = Forget {
            selection: &forgetting.selection,
            dry_run: forgetting.dry_run,
            guards: forgetting.guards,
            reason: forgetting.reason.as_deref(),
            on_progress: forgetting.on_progress.as_ref(),
        };
        let names = forgetting.collections.as_deref();
        forget.prepare(&self.chosen(names)?)?;
        let done = loop {
            let step = self.using.store.step()?;
            match forget.forget(&self.chosen(names)?, step.file()) {
                // In memory, one of them may have been deleted since the list was taken.
                Err(Error::CollectionNotFound(_)) if names.is_none() => {}
                done => break done?,
            }
        };
        let ForgottenFrom {
            collections,
            refusal,
            receipt,
        } = done;
        Ok(Forgotten {
            collections,
            applied: receipt.is_some(),
            refusal,
            receipt,
        })
    }

    /// The collections with these names, each once, or all of them; sorted by name.
    fn chosen(&self, names: Option<&[String]>) -> Result<Vec<(String, Arc<Collection>)>> {
        match names {
            None => Ok(self.named_collections()),
            Some(names) => self.collections_of(names),
        }
    }
}
