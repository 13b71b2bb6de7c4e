//! The row and the text of a vector, wherever they are: in memory, or, if the collection is on
//! disk, only in its log.

use super::{Access, State, write::head_of};
use crate::{
    error::{Error, Result},
    storage::Stored,
    vectors::{Record, Text},
};

/// A vector's row and text.
pub(super) enum Values<'a> {
    Held(&'a [f32], Option<&'a str>),
    Read(Stored),
}

impl Values<'_> {
    pub(super) fn row(&self) -> &[f32] {
        match self {
            Values::Held(row, _) => row,
            Values::Read(stored) => stored.row(),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Values::Held(_, text) => *text,
            Values::Read(stored) => stored.text(),
        }
    }
}

impl AsRef<[f32]> for Values<'_> {
    fn as_ref(&self) -> &[f32] {
        self.row()
    }
}

impl State {
    /// The row and the text of the live vector at `slot`, whose record is `record`. Returns
    /// `WouldBlock` if they have to be read, and `Now` would wait for the disk.
    pub(super) fn values<'a>(
        &'a self,
        access: Access,
        slot: u32,
        record: &'a Record,
    ) -> Result<Values<'a>> {
        match (self.vectors.row(slot), &record.text) {
            (Some(row), None) => Ok(Values::Held(row, None)),
            (Some(row), Some(Text::Held(text))) => Ok(Values::Held(row, Some(text))),
            _ => {
                let mut stored = Stored::default();
                self.read_stored(access, slot, record, &mut stored)?;
                Ok(Values::Read(stored))
            }
        }
    }

    /// Reads the row and the text of the vector at `slot` into `stored`.
    pub(super) fn read_stored(
        &self,
        access: Access,
        slot: u32,
        record: &Record,
        stored: &mut Stored,
    ) -> Result<()> {
        let log = self.journal.log();
        let log = log.ok_or_else(|| Error::Internal("a row is neither held nor on disk".into()))?;
        let (dimension, wait) = (self.vectors.dimension(), access != Access::Now);
        log.open_values(slot, &head_of(record)?, dimension, wait, stored)
    }
}
