//! Inserting.

use std::sync::Arc;

use super::dispatch::{Attempt, Work};
use crate::{
    client::Call,
    collection::{Access, Batch, Collection, Prepared},
    error::{Error, Result},
    wiped::Id,
};

/// Inserts the batch that `batch` returns for a dimension, and replies with the result of `report`
/// for the ids.
pub struct Insert<B, R> {
    stage: Stage<B>,
    report: R,
}

enum Stage<B> {
    Given {
        collection: String,
        batch: B,
    },
    /// With the collection that it was checked against: by the next attempt, its name may belong to
    /// another collection with another dimension.
    Prepared(Arc<Collection>, Prepared),
}

impl<B, R> Insert<B, R> {
    pub fn new(collection: String, batch: B, report: R) -> Self {
        let stage = Stage::Given { collection, batch };
        Self { stage, report }
    }
}

impl<B: FnOnce(usize) -> Result<Batch>> Stage<B> {
    fn prepare(self, call: &Call) -> Result<(Arc<Collection>, Prepared)> {
        match self {
            Stage::Prepared(collection, prepared) => Ok((collection, prepared)),
            Stage::Given { collection, batch } => {
                let collection = call.collection(&collection)?;
                let batch = batch(collection.config().dimension)?;
                let prepared = collection.prepare(batch)?;
                Ok((collection, prepared))
            }
        }
    }
}

impl<T, B, R> Work for Insert<B, R>
where
    T: Send + 'static,
    B: FnOnce(usize) -> Result<Batch> + Send + 'static,
    R: FnOnce(Vec<Id>) -> Result<T> + Send + 'static,
{
    type Output = T;

    fn attempt(self, call: &Call, access: Access) -> Attempt<T, Self> {
        let Self { stage, report } = self;
        let (collection, mut prepared) = match stage.prepare(call) {
            Ok(prepared) => prepared,
            Err(error) => return Attempt::Done(Err(error)),
        };
        match collection.insert(access, &mut prepared) {
            Err(Error::WouldBlock) => Attempt::Busy(Self {
                stage: Stage::Prepared(collection, prepared),
                report,
            }),
            inserted => Attempt::Done(inserted.and_then(report)),
        }
    }
}
