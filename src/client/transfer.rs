//! Moving and copying vectors from one collection to another.

use super::Call;
pub use crate::collection::{Fate, Selection, Transfer, Transferred};
use crate::{collection::Moving, error::Result};

/// How often vectors are read without keeping other writes out.
const ROUNDS: usize = 2;

impl Call {
    /// Moves or copies vectors, all in one step.
    pub fn transfer(
        &self,
        source: &str,
        destination: &str,
        transfer: Transfer,
    ) -> Result<Transferred> {
        let (source, destination) = (self.collection(source)?, self.collection(destination)?);
        let moves = transfer.moves;
        self.in_rounds(Moving::new(source, destination, transfer)?, moves)
    }

    pub(super) fn in_rounds(&self, mut moving: Moving, moves: bool) -> Result<Transferred> {
        let store = &self.using.store;
        let ended = {
            let _step = store.step()?;
            moving.select()?
        };
        if let Some(ended) = ended {
            return Ok(ended);
        }
        let _without_backups = moves.then(|| store.without_backups()).transpose()?;
        for _ in 0..ROUNDS {
            moving.prepare()?;
            let step = store.step()?;
            if let Some(ended) = moving.commit(step.file())? {
                return Ok(ended);
            }
        }
        let step = store.step()?;
        moving.commit_at_last(step.file())
    }
}
