//! Routes that save the store and its keys to files on the server.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::collections::Done;
use crate::rest::{
    Api,
    document::names::Name,
    failure::Handled,
    request::{Answer, Answered, Anywhere, ApiRequest, JsonBody, NoBody, NoQuery},
};
use crate::{
    calls::{arguments::Keys, reports::BackupReport},
    error::{Error, Result},
    storage::Restored,
};

/// What to back up.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBackup {
    /// The names of the collections. Default: all.
    #[schemars(with = "Option<Vec<Name>>")]
    collections: Option<Vec<String>>,
    /// Where the backup keeps its keys. Default `within`.
    keys: Option<Keys>,
}

/// The name of a file. Clients must not learn where the directory is on the server's disk.
fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn answer(backup: &Restored, keys: Option<&Path>) -> Result<Answer<BackupReport>> {
    Answer::of(&BackupReport::of(backup, keys, name))
}

fn directory(api: &Api) -> Handled<PathBuf> {
    let directory = api.options.backups.clone();
    Ok(directory.ok_or_else(|| {
        Error::Unsupported(
            "this server has no directory for backups: start it with --backups DIR, or with the \
             option 'backups'"
                .into(),
        )
    })?)
}

pub async fn create(
    api: Api,
    request: ApiRequest<Anywhere, NoQuery, JsonBody<NewBackup>>,
) -> Answered<BackupReport> {
    let (target, JsonBody(NewBackup { collections, keys })) = (directory(&api)?, request.body);
    let apart = keys == Some(Keys::Apart);
    api.once(move |call| {
        let made = call.create_backup(&target, collections.as_deref(), apart, &mut |_| ())?;
        answer(&made.backup, made.keys.as_deref())
    })
    .await
}

pub async fn export_keys(
    api: Api,
    _: ApiRequest<Anywhere, NoQuery, NoBody>,
) -> Answered<BackupReport> {
    let target = directory(&api)?;
    api.once(move |call| answer(&call.export_keys(&target)?, None))
        .await
}

pub async fn rotate_keys(api: Api, _: ApiRequest<Anywhere, NoQuery, NoBody>) -> Answered<Done> {
    api.once(move |call| {
        call.rotate_keys(None, &mut |_| ())?;
        Done::new("the keys of the store are new".into())
    })
    .await
}
