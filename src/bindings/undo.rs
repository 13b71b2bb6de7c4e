//! The methods about what was deleted for now.

use napi::{Env, Unknown};
use napi_derive::napi;

use super::{Listener, VectorizerClient, listener, reply::Reply, report_text};
use crate::{
    calls::{
        arguments::{listing, purging, read, which},
        reports::{Asked, DeletedReport, PurgeReport, UndeleteReport},
    },
    client::Which,
    error::{Error, Result},
};

/// What a call is about: a list of ids or a token, as JSON.
fn chosen(text: Option<&str>) -> Result<Option<Which>> {
    let Some(text) = text else {
        return Ok(None);
    };
    match text.starts_with('[') {
        true => which(Some(read(text, "ids")?), None, "what"),
        false => which(None, Some(read(text, "token")?), "what"),
    }
}

#[napi]
impl VectorizerClient {
    #[napi]
    pub fn list_deleted<'env>(
        &self,
        env: &'env Env,
        collection: Option<String>,
        options: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let (offset, limit) = listing(options.as_deref())?;
            let list = call.list_deleted(collection.as_deref(), offset, limit)?;
            Ok(Reply::Text(report_text(&DeletedReport::of(list)?)?))
        })
    }

    #[napi]
    pub fn undelete<'env>(
        &self,
        env: &'env Env,
        collection: String,
        what: String,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let what = chosen(Some(&what))?;
            let what = what.ok_or_else(|| Error::Validation("what is not given".into()))?;
            let undeleted = call.undelete(&collection, what, listener(on_progress))?;
            let report = UndeleteReport::of(&collection, undeleted)?;
            Ok(Reply::Text(report_text(&report)?))
        })
    }

    #[napi]
    pub fn purge_deleted<'env>(
        &self,
        env: &'env Env,
        collection: String,
        what: Option<String>,
        options: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let (receipt, reason) = purging(options.as_deref())?;
            let what = chosen(what.as_deref())?;
            let ids = match &what {
                Some(Which::Ids(ids)) => Some(ids.clone()),
                _ => None,
            };
            let asked = ids
                .as_ref()
                .map_or_else(Asked::default, |ids| Asked::ids(ids.len()));
            let purged = call.purge_deleted(&collection, what, receipt, reason.as_deref())?;
            let report = PurgeReport::of(&collection, ids, purged, asked);
            Ok(Reply::Text(report_text(&report)?))
        })
    }
}
