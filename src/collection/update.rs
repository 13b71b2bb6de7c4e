//! Updating: the given parts of a vector are replaced.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::{
    Access, Collection, ExpiryChange, Item, Name, check_expiry, weight,
    write::{head_of, label_of},
};
use crate::{
    error::Result,
    storage::Sealed,
    vectors::{Codes, Text},
    wiped::Wiped,
};

/// The parts of a vector to replace; the rest stays as it is.
#[derive(Debug, Default, Clone)]
pub struct Update {
    pub data: Option<Vec<f32>>,
    /// What the caller calls the data.
    pub name: Name,
    pub text: Option<Box<str>>,
    pub metadata: Option<Box<str>>,
    pub expires_at: ExpiryChange,
}

impl Collection {
    /// Replaces the given parts, and returns the updated vector.
    pub fn update(self: &Arc<Self>, access: Access, id: &str, update: &Update) -> Result<Item> {
        if let Some(data) = &update.data {
            self.check_row(data, &update.name)?;
        }
        if let ExpiryChange::At(at) = update.expires_at {
            check_expiry("expires_at", at)?;
        }
        let new = update.data.as_deref();
        let new = new.map(|row| (row, Codes::of(row, row.len())));
        let mut state = self.write(access)?;
        let slot = state.slots.slot_of(id).ok_or_else(|| self.not_found(id))?;
        let text = update.text.as_ref().map_or(0, |text| text.len());
        let more = weight(update.metadata.as_deref(), text, state.fields.len())
            + state.copying(usize::from(new.is_some()));
        let old = RoaringBitmap::from_iter([slot]);
        state.check_little(access, &old, more)?;
        let record = state.slots.record(slot);
        let mut record = record.cloned().ok_or_else(|| self.not_found(id))?;
        record.times = update.expires_at.apply(record.times);
        // Nothing that is replaced is copied: the copies that are returned are not overwritten.
        let item = {
            let values = state.values(access, slot, &record)?;
            let (metadata, text) = (update.metadata.as_deref(), update.text.as_deref());
            let metadata = metadata.or(record.metadata.as_deref());
            let data = update.data.as_deref();
            Item {
                id: record.id.clone(),
                score: None,
                data: Some(data.unwrap_or(values.row()).to_vec()),
                metadata: metadata.map(Box::from),
                text: text.or(values.text()).map(Box::from),
                expires_at: state.expiries.instant(record.times),
            }
        };
        record.metadata = item.metadata.as_deref().map(Wiped::from);
        record.text = item.text.as_deref().map(Wiped::from).map(Text::Held);
        let mut removed = RoaringBitmap::new();
        if new.is_some() {
            // The vector moves to another slot: a code in use is never changed, because a graph may
            // lead through it.
            state.slots.check_room(1)?;
            record.key = state.journal.take_key();
            removed = old;
        }
        let head = head_of(&record)?;
        let mut sealed = Sealed::default();
        if let Some(name) = self.sealed_for {
            let row = item.data.as_deref().unwrap_or_default();
            let code = match &new {
                Some((_, codes)) => codes.get(0),
                None => state.vectors.coded(slot),
            };
            sealed = Sealed::new(name, 1)?;
            sealed.push(&head, row, code, &label_of(&record), item.text.as_deref())?;
        }
        let mut write = self.commit(state, removed, vec![head], &sealed)?;
        match &new {
            Some((row, codes)) => write.put(record, row, codes.get(0)),
            None => write.update_in_place(slot, record),
        };
        write.finish()?;
        Ok(item)
    }
}
