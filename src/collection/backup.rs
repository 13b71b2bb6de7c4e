//! Copying data out of a collection: a backup of all of it, a backup of some of its vectors, and an
//! export of its keys.

use std::path::Path;

use parking_lot::RwLockUpgradableReadGuard;
use roaring::RoaringBitmap;
use time::OffsetDateTime;

use super::{Access, Collection, Config, Progress, Role, State, copy::Form};
use crate::{
    cancel,
    error::Result,
    storage::{Backup, Copied, Exported, Files, micros},
};

impl State {
    /// What a copy of the collection as it is now is a copy of.
    fn copied_now(&self) -> Copied {
        Copied {
            name: self.journal.log().map(|log| *log.name()),
            sequence: self.journal.sequence(),
            time: micros(OffsetDateTime::now_utc()),
        }
    }
}

impl Collection {
    /// Writes the collection to a backup, in the state it is in when this method returns.
    pub fn back_up(&self, backup: &mut Backup, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        self.back_up_as(self.name(), backup, progress)
    }

    /// The same under this name. Other settings are as they are when the copy begins.
    pub fn back_up_as(
        &self,
        name: String,
        backup: &mut Backup,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        let (target, form) = {
            let mut state = self.write(Access::Wait)?;
            let settings = Config {
                name,
                ..Config::clone(&self.config())
            };
            let settings = settings.settings(self.created_at, &Role::Named);
            let (writer, name) = backup.section(&settings)?;
            let log = state.journal.log().filter(|_| backup.is_apart());
            let form = Form {
                name: log.map_or(name, |log| *log.name()),
                as_it_is: log.is_some(),
                with_expired: false,
            };
            (state.journal.attach(writer)?, form)
        };
        let done = self.copy_to(&target, &form, progress, |state, _| {
            state.journal.detach(&target);
            Ok((state.copied_now(), state.slots.len() as u64))
        });
        match done {
            Ok((copied, vectors)) => {
                // After a power failure, the numbers of writes go on from what is on disk.
                self.flush()?;
                let section = &mut target.copy.lock().writer;
                backup.end_section(section, &form.name, &copied, vectors)
            }
            Err(error) => {
                self.state.write().journal.detach(&target);
                backup.drop_section()?;
                Err(error)
            }
        }
    }

    /// Appends the keys of all live entries, as they are at one moment.
    pub fn export_keys(&self, exported: &mut Exported) -> Result<()> {
        let (name, sequence, keys) = {
            let state = self.read(Access::Wait)?;
            let Some(log) = state.journal.log() else {
                return Ok(());
            };
            let mut keys = Vec::with_capacity(state.slots.len());
            for slot in state.slots.alive() {
                if let Some(record) = state.slots.record(slot) {
                    keys.push((record.key, log.key(slot)?));
                }
            }
            (*log.name(), state.journal.sequence(), keys)
        };
        // After a power failure, the numbers of entries go on from what is on disk.
        self.flush()?;
        exported.append(&name, sequence, &keys)
    }

    /// Writes the vectors at `slots` to a separate backup file.
    pub(super) fn back_up_some(
        &self,
        path: &Path,
        state: &mut RwLockUpgradableReadGuard<'_, State>,
        slots: &RoaringBitmap,
    ) -> Result<()> {
        let user = self.keys.as_ref().and_then(|keys| keys.user());
        let mut backup = Backup::create(&Files::default(), path, user, false)?;
        let (mut writer, name) = backup.section(&self.settings())?;
        let form = Form {
            name,
            as_it_is: false,
            with_expired: false,
        };
        if let Some(log) = state.journal.log() {
            log.sync().flush()?;
        }
        // What expires while it is copied is erased after the copy.
        let of = state.copied_now();
        let order = state.slots.in_insertion_order(slots);
        let mut at = 0;
        while at < order.len() {
            cancel::check()?;
            at += state.copy_batch(&mut writer, &form, &order[at..])?;
            // Reads that find something due wait for the exclusive lock.
            state.with_upgraded(|state| state.expire(Access::Wait, self.clock()))?;
        }
        let copied = writer.key_count().into();
        backup.end_section(&mut writer, &name, &of, copied)?;
        // The vectors are deleted next only if the backup file is complete; otherwise there is no
        // file.
        cancel::commit()?;
        backup.finish().map(drop)
    }
}
