//! Deleting what belongs to a person or a tenant in all collections of a store, in one step.

use std::sync::Arc;

use super::{Call, Selection, backup::check_known};
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
        let shelf = &self.using.store.collections.shelf;
        forget.prepare(&self.chosen(names, &[]).unwrap_or_default())?;
        let done = loop {
            let step = self.using.store.step()?;
            // What can no longer be brought back is erased within a second, unless the clock is paused.
            let clock = &self.using.store.expiry.clock;
            let (now, is_paused) = (clock.now(), clock.is_paused());
            let forgotten = shelf.with_all(
                |one| one.until > now || is_paused,
                |waiting| forget.forget(&self.chosen(names, waiting)?, step.file()),
            );
            match forgotten {
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

    /// The collections with these names, each once, or all of them; sorted by name. Those that wait
    /// are among them, and each is followed by its bin.
    fn chosen(
        &self,
        names: Option<&[String]>,
        waiting: &[Arc<Collection>],
    ) -> Result<Vec<(String, Arc<Collection>)>> {
        let mut all = self.named_collections();
        all.extend(waiting.iter().map(|one| (one.name(), one.clone())));
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        if let Some(names) = names {
            check_known(names, &all)?;
            all.retain(|(name, _)| names.contains(name));
        }
        let with_bins = all.into_iter().flat_map(|(name, collection)| {
            let bin = collection.bin().map(|bin| (name.clone(), bin));
            [Some((name, collection)), bin]
        });
        Ok(with_bins.flatten().collect())
    }
}
