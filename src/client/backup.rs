//! Backups of a store: creating them, with their keys apart or not, and restoring them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Call, store::each};
use crate::{
    cancel,
    collection::{Collection, Progress, check_name, dimension_of, name_of},
    error::{Error, Result},
    storage::{self, Backup, Copied, Exported, Files, LedgerErasures, Restored, Since, Source},
};

/// A new backup, and the file with its keys if they are apart.
pub struct Made {
    pub backup: Restored,
    pub keys: Option<PathBuf>,
}

impl Call {
    /// Writes collections to a single file, each as it is at one moment: all of them, or those with
    /// these names. Nothing is moved from one of them to another meanwhile. With `apart`, the keys
    /// are written to a separate file next to it.
    pub fn create_backup(
        &self,
        target: &Path,
        names: Option<&[String]>,
        apart: bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Made> {
        let disk = self.using.store.disk.as_ref();
        if apart && disk.is_none() {
            return Err(Error::Validation(
                "a store in memory has no keys to keep apart: open one with a path".into(),
            ));
        }
        let path = backup_file(target, "vecbak")?;
        let all = match names {
            None => self.named_collections(),
            Some(names) => self.collections_of(names)?,
        };
        // Each is in the backup under the name that it has now: later, it may be another's.
        let (names, all): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        let mut names = names.into_iter();
        let user = disk.and_then(|disk| disk.root.keys().user());
        let store = &self.using.store;
        let _without_moves = match all.len() {
            0 | 1 => None,
            _ => Some(store.without_moves()?),
        };
        let mut backup = Backup::create(&self.files(), &path, user, apart)?;
        let total = each(&all, progress, |collection, progress| {
            let name = names.next().unwrap_or_else(|| collection.name());
            collection.back_up_as(name, &mut backup, progress)
        })?;
        cancel::commit()?;
        // Written before the backup gets its final name: a backup with that name has its keys.
        let keys = match apart {
            true => Some(self.export_keys(&beside(&path))?.path),
            false => None,
        };
        let backup = backup.finish().inspect_err(|_| {
            let _ = keys.as_ref().map(|keys| self.files().wipe(keys));
        })?;
        progress(Progress { done: total, total });
        Ok(Made { backup, keys })
    }

    /// The collections that have these names at one moment, sorted, each once.
    pub(super) fn collections_of(
        &self,
        names: &[String],
    ) -> Result<Vec<(String, Arc<Collection>)>> {
        let all = self.named_collections();
        check_known(names, &all)?;
        let all = all.into_iter();
        Ok(all.filter(|(name, _)| names.contains(name)).collect())
    }

    /// Writes the keys of all live entries to a new file. With them, a backup with its keys apart
    /// restores what has not been deleted since.
    pub fn export_keys(&self, target: &Path) -> Result<Restored> {
        let disk = self.using.store.with_keys()?;
        let path = backup_file(target, "keys")?;
        let user = disk.root.keys().user();
        let mut exported = Exported::create(&self.files(), &path, user)?;
        for collection in self.collections() {
            match collection.export_keys(&mut exported) {
                // It has been deleted since the list was taken.
                Err(Error::CollectionNotFound(_)) => {}
                done => done?,
            }
        }
        exported.finish()
    }

    fn files(&self) -> Files {
        let disk = self.using.store.disk.as_ref();
        disk.map_or_else(Files::default, |disk| disk.root.files().clone())
    }
}

/// Checks that each of the names is that of a collection.
pub(super) fn check_known(names: &[String], all: &[(String, Arc<Collection>)]) -> Result<()> {
    let missing = names
        .iter()
        .find(|&name| all.iter().all(|(known, _)| known != name));
    let Some(name) = missing else {
        return Ok(());
    };
    check_name(name)?;
    Err(Error::CollectionNotFound(name.clone()))
}

/// The file with the keys of a backup that has them apart.
fn beside(backup: &Path) -> PathBuf {
    let mut name = backup.file_name().unwrap_or_default().to_owned();
    name.push(".keys");
    backup.with_file_name(name)
}

/// The file for a backup: the target itself or, if it is a directory, a new file in it.
fn backup_file(path: &Path, kind: &str) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(Error::Validation("the backup's path is empty".into()));
    }
    if !path.is_dir() {
        let last = path.as_os_str().as_encoded_bytes().last();
        if last.is_some_and(|&byte| std::path::is_separator(byte.into())) {
            return Err(Error::Storage(format!(
                "there is no directory {}: make it first, or name a file",
                path.display()
            )));
        }
        return Ok(path.to_owned());
    }
    let time = OffsetDateTime::now_utc();
    let name = format!(
        "backup-{:04}{:02}{:02}-{:02}{:02}{:02}-{}.{kind}",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        // Distinguishes backups that are made at the same moment.
        Uuid::new_v4().simple(),
    );
    Ok(path.join(name))
}

/// Creates a store from a backup in a new directory, after every byte of it has been checked. If
/// there is a ledger, or the directory of a store that has one, nothing is restored of what it says
/// was erased after the backup; and nothing at all if it is damaged.
///
/// The user's key that opens the backup becomes the key of the store.
pub fn restore_backup(
    file: &Path,
    path: &Path,
    source: Source<'_>,
    ledger: Option<&Path>,
    progress: &mut dyn FnMut(&'static str, Progress),
) -> Result<Restored> {
    let paths = [Some(file), Some(path), ledger];
    if paths
        .iter()
        .flatten()
        .any(|path| path.as_os_str().is_empty())
    {
        return Err(Error::Validation("a path is empty".into()));
    }
    let files = Files::default();
    if matches!(file.try_exists(), Ok(false)) {
        return Err(Error::Storage(format!(
            "there is no file {}: check the path of the backup",
            file.display()
        )));
    }
    // Read once, so that what is counted and what is restored agree while the ledger grows.
    let erasures = ledger.map(LedgerErasures::read).transpose()?;
    let since = erasures.as_ref().map(|erasures| {
        |settings: &str, copied: &Copied| {
            let id = copied.name.map(|name| (name, copied.sequence));
            Ok(erasures.since(&name_of(settings)?, id, copied.time))
        }
    });
    let since = since.as_ref().map(|since| since as Since<'_>);
    let verifying = |done, total| progress("verify", Progress { done, total });
    let verified = storage::verify(&files, file, source, since, dimension_of, verifying)?;
    let total = verified.bytes;
    progress("verify", Progress { done: total, total });
    let restoring = |done, total| progress("restore", Progress { done, total });
    storage::restore(&files, file, path, source, since, dimension_of, restoring)?;
    progress("restore", Progress { done: total, total });
    Ok(Restored {
        path: path.to_owned(),
        ..verified
    })
}
