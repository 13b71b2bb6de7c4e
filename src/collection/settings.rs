//! Changing a collection's settings: its name, its description, and how its graph is built.
//!
//! On disk, settings are in the beginning of the key table, so they are changed by replacing the
//! table: a crash leaves either the old table or the new one, and the old one is wiped, so that
//! former names and descriptions are in no file. If the graph is to be built anew, the new table has
//! another key, so that it does not open the file of any graph before.

use std::sync::Arc;

use super::{Access, Collection, Config, Role, State};
use crate::{
    cancel,
    error::{Error, Result},
    storage::Log,
};

/// The graph parameters to change; the others stay as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReindexOptions {
    pub m: Option<usize>,
    pub ef_construction: Option<usize>,
    pub ef_search: Option<usize>,
}

impl ReindexOptions {
    /// Whether a graph has to be built: with `ef_search` alone, searches merely look at more nodes,
    /// or at fewer.
    fn needs_graph(self) -> bool {
        self.m.is_some() || self.ef_construction.is_some() || self.ef_search.is_none()
    }
}

impl Collection {
    /// Whether this is its name now.
    pub fn is_named(&self, name: &str) -> bool {
        self.settings.read().name == name
    }

    /// Gives the collection another name. `reserve` reserves it when nothing is left to do but the
    /// last step, in which `put` makes the change by calling the function that it is given.
    pub fn rename<T>(
        &self,
        (name, new_name): (&str, &str),
        reserve: impl FnOnce() -> Result<T>,
        put: impl FnOnce(T, &dyn Fn()),
    ) -> Result<()> {
        let change = |now: &Config| {
            // It may just have been renamed by another call.
            if now.name != name {
                return Err(Error::CollectionNotFound(name.to_owned()));
            }
            let name = new_name.to_owned();
            Ok(Config {
                name,
                ..now.clone()
            })
        };
        let mut noted = Ok(());
        self.change_settings(change, true, reserve, |reserved, _, apply| {
            put(reserved, apply);
            // Under the exclusive lock: nothing is erased under a name that the ledger does not know.
            if let (Some(ledger), Some(id)) = (&self.ledger, &self.sealed_for)
                && name != new_name
            {
                noted = ledger.rename(id, name, new_name);
            }
        })?;
        noted?;
        self.ledger.as_ref().map_or(Ok(()), |ledger| ledger.flush())
    }

    /// Says what the collection is there for from now on, if this is its name and it is there for
    /// something else.
    pub fn set_role(&self, name: &str, role: Role) -> Result<()> {
        let change = |now: &Config, before: &Role| {
            let has_none = matches!((before, &role), (Role::Deleted(_), Role::Deleted(_)));
            if now.name != name || has_none {
                return Err(Error::CollectionNotFound(name.to_owned()));
            }
            Ok((now.clone(), role))
        };
        self.change_all(change, true, || Ok(()), |(), _, apply| apply())
    }

    /// Gives a bin the name of its collection.
    pub(super) fn take_name_of(&self, collection: &Self) -> Result<()> {
        let change = |now: &Config| {
            let name = collection.name();
            Ok(Config {
                name,
                ..now.clone()
            })
        };
        self.change_settings(change, true, || Ok(()), |(), _, apply| apply())
    }

    /// Sets or removes the description.
    pub fn describe(&self, description: Option<String>) -> Result<()> {
        let change = |now: &Config| {
            Ok(Config {
                description,
                ..now.clone()
            })
        };
        self.change_settings(change, true, || Ok(()), |(), _, apply| apply())
    }

    /// Sets the parameters of the graph, and begins to build it anew in the background unless that
    /// is not needed. Searches use the previous graph until then. Returns the settings, and whether
    /// nothing is left to do.
    pub fn reindex(self: &Arc<Self>, options: ReindexOptions) -> Result<(Arc<Config>, bool)> {
        let needs_graph = options.needs_graph();
        let change = |now: &Config| {
            let mut config = now.clone();
            let hnsw = &mut config.hnsw;
            hnsw.m = options.m.unwrap_or(hnsw.m);
            hnsw.ef_construction = options.ef_construction.unwrap_or(hnsw.ef_construction);
            hnsw.ef_search = options.ef_search.unwrap_or(hnsw.ef_search);
            Ok(config)
        };
        let mut changed = None;
        let put = |(), state: &mut State, apply: &dyn Fn()| {
            apply();
            if needs_graph {
                state.wanted_graph += 1;
            }
            // Another call's graph may still be under construction.
            let is_complete = match needs_graph {
                true => !state.is_worth_a_graph(),
                false => !state.is_outdated(),
            };
            changed = Some((self.config(), is_complete));
        };
        let done = self.change_settings(change, !needs_graph, || Ok(()), put);
        // Also if it fails after the change was made.
        if needs_graph && changed.is_some() {
            // The file of the previous graph is of no use to anybody.
            self.save_graph();
            self.keep_up_again();
        }
        done?;
        changed.ok_or_else(|| Error::Internal("the settings were not changed".into()))
    }

    /// Changes the settings to what `change` makes of them. `prepare` is called when nothing is left
    /// to do but the last step, which is done under the exclusive lock: `put` makes the change by
    /// calling the function that it is given. Unless it `keeps_graph`, no file of the graph that was
    /// written before can be read afterwards. If this fails, nothing has changed, unless it is unknown
    /// what the files hold, or what was replaced could not be overwritten; then nothing more is
    /// written.
    fn change_settings<T>(
        &self,
        change: impl FnOnce(&Config) -> Result<Config>,
        keeps_graph: bool,
        prepare: impl FnOnce() -> Result<T>,
        put: impl FnOnce(T, &mut State, &dyn Fn()),
    ) -> Result<()> {
        let change = |now: &Config, role: &Role| Ok((change(now)?, role.clone()));
        self.change_all(change, keeps_graph, prepare, put)
    }

    fn change_all<T>(
        &self,
        change: impl FnOnce(&Config, &Role) -> Result<(Config, Role)>,
        keeps_graph: bool,
        prepare: impl FnOnce() -> Result<T>,
        put: impl FnOnce(T, &mut State, &dyn Fn()),
    ) -> Result<()> {
        let _one = self.rekeying.lock();
        // Nobody else changes them meanwhile.
        let before = self.settings();
        let (config, role) = change(&self.config(), &self.role())?;
        config.check()?;
        let settings = config.settings(self.created_at, &role);
        let config = Arc::new(config);
        let apply = || {
            *self.settings.write() = config.clone();
            *self.role.write() = role.clone();
        };
        let prepare = || {
            let prepared = prepare()?;
            cancel::commit()?;
            Ok(prepared)
        };
        let put = |prepared, state: &mut State| put(prepared, state, &apply);
        if (settings == before && keeps_graph) || !self.is_on_disk() {
            let prepared = prepare()?;
            put(prepared, &mut *self.exclusive(Access::Wait)?);
            return Ok(());
        }
        let Some(keys) = &self.keys else {
            return Err(Error::Internal("a collection on disk without keys".into()));
        };
        let begin = |log: &mut Log| log.begin_settings(&keys.keyring(), &settings, keeps_graph);
        self.exchange_table(begin, &mut |_| (), prepare, put)
    }
}
