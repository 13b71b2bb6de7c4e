//! Changing what a collection was created with, and finding collections that are empty.

use std::sync::Arc;

use uuid::Uuid;

use super::Call;
pub use crate::collection::ReindexOptions;
use crate::{
    collection::{Collection, check_name},
    error::{Error, Result},
    graph::HnswParams,
};

/// A graph that is being built anew.
#[derive(Debug)]
pub struct Reindexing {
    pub job_id: String,
    /// Whether there is nothing left to do: few vectors need no graph.
    pub is_complete: bool,
    pub params: HnswParams,
}

impl Call {
    /// Gives a collection another name. Calls in progress go on.
    pub fn rename_collection(&self, name: &str, new_name: &str) -> Result<Arc<Collection>> {
        check_name(new_name)?;
        let collection = self.collection(name)?;
        if name != new_name {
            let reserve = || self.using.store.reserve(new_name, &collection);
            collection.rename((name, new_name), reserve, |reserved, apply| {
                reserved.put(name, apply);
            })?;
            collection.name_bin()?;
        }
        Ok(collection)
    }

    /// Sets or removes a collection's description.
    pub fn describe_collection(
        &self,
        name: &str,
        description: Option<String>,
    ) -> Result<Arc<Collection>> {
        let collection = self.collection(name)?;
        collection.describe(description)?;
        Ok(collection)
    }

    /// Builds a collection's graph anew in the background; searches use the previous one meanwhile.
    pub fn reindex_collection(&self, name: &str, options: ReindexOptions) -> Result<Reindexing> {
        let (config, is_complete) = self.collection(name)?.reindex(options)?;
        Ok(Reindexing {
            job_id: format!("reindex-{}", Uuid::now_v7()),
            is_complete,
            params: config.hnsw,
        })
    }

    /// The names of the empty collections, sorted. One whose vectors have expired is not empty
    /// until they are erased: while the clock is paused, they may come back.
    pub fn empty_collections(&self) -> Result<Vec<String>> {
        let mut empty = Vec::new();
        for (name, collection) in self.named_collections() {
            match collection.is_empty() {
                Ok(true) => empty.push(name),
                // It may have been deleted since the list was taken.
                Ok(false) | Err(Error::CollectionNotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(empty)
    }

    /// Deletes the empty collections, and returns their names, sorted. With
    /// `dry_run` it only returns them.
    pub fn delete_empty_collections(&self, dry_run: bool) -> Result<Vec<String>> {
        let empty = self.empty_collections()?;
        if dry_run {
            return Ok(empty);
        }
        let mut deleted = Vec::with_capacity(empty.len());
        for name in empty {
            // It may have got a vector, or another name, since.
            let drop = |collection: &Collection| collection.drop_if_empty(&name);
            match self.remove_collection(&name, drop) {
                Ok((true, _)) => deleted.push(name),
                Ok(_) | Err(Error::CollectionNotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(deleted)
    }
}
