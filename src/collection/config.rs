//! A collection's settings: their limits, and their text form in files.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    error::{Error, Result},
    graph::{GraphBuilder, HnswParams},
    storage::{MAX_DIMENSION, micros, time_of},
    vectors::Metric,
};

const MAX_NAME_BYTES: usize = 255;
const MAX_DESCRIPTION_BYTES: usize = 1024;

/// The settings a collection is created with. The dimension and the metric never change.
#[derive(Debug, Clone)]
pub struct Config {
    pub name: String,
    pub dimension: usize,
    pub metric: Metric,
    pub hnsw: HnswParams,
    pub description: Option<String>,
}

/// What a collection is there for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Calls find it by its name.
    #[default]
    Named,
    /// It has what was deleted for now in the collection with this random name, in hexadecimal.
    BinOf(String),
    /// It was deleted for now itself.
    Deleted(DeletedFor),
}

/// When a collection was deleted for now, and until when it can be brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeletedFor {
    pub token: String,
    /// In milliseconds since 1970, as the next.
    pub at: i64,
    pub until: i64,
    /// Why, for the receipt and the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Role {
    fn is_named(&self) -> bool {
        *self == Role::Named
    }
}

/// The collection's settings as they are stored in the key table, in JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    name: String,
    dimension: usize,
    metric: String,
    m: usize,
    ef_construction: usize,
    ef_search: usize,
    #[serde(default)]
    builder: GraphBuilder,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Microseconds since 1970.
    created_at: i64,
    #[serde(default, skip_serializing_if = "Role::is_named")]
    role: Role,
}

impl Config {
    /// Checks the settings against the limits.
    pub fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        self.description
            .as_deref()
            .map_or(Ok(()), check_description)?;
        check_range("dimension", self.dimension, 1, MAX_DIMENSION)?;
        let hnsw = self.hnsw;
        check_range("hnsw.m", hnsw.m, 4, 128)?;
        check_range("hnsw.ef_construction", hnsw.ef_construction, 8, 4096)?;
        check_ef_search("hnsw.ef_search", hnsw.ef_search)
    }

    /// The text form of the settings in a file.
    pub(super) fn settings(&self, created_at: OffsetDateTime, role: &Role) -> String {
        let settings = Settings {
            name: self.name.clone(),
            dimension: self.dimension,
            metric: self.metric.name().to_owned(),
            m: self.hnsw.m,
            ef_construction: self.hnsw.ef_construction,
            ef_search: self.hnsw.ef_search,
            builder: self.hnsw.builder,
            description: self.description.clone(),
            created_at: micros(created_at),
            role: role.clone(),
        };
        // A struct of strings and numbers always serialises.
        serde_json::to_string(&settings).unwrap_or_default()
    }

    /// Parses that text.
    pub(super) fn read(settings: &str) -> Result<(Self, OffsetDateTime, Role)> {
        let wrong = |why: &str| Error::Storage(format!("its settings hold {why}"));
        let settings: Settings =
            serde_json::from_str(settings).map_err(|error| wrong(&format!("an error: {error}")))?;
        let metric = Metric::from_name(&settings.metric);
        let config = Self {
            name: settings.name,
            dimension: settings.dimension,
            metric: metric.ok_or_else(|| wrong("an unknown metric"))?,
            hnsw: HnswParams {
                m: settings.m,
                ef_construction: settings.ef_construction,
                ef_search: settings.ef_search,
                builder: settings.builder,
            },
            description: settings.description,
        };
        let checked = config.check();
        checked.map_err(|error| wrong(&format!("an error: {error}")))?;
        let created_at = time_of(settings.created_at);
        Ok((
            config,
            created_at.ok_or_else(|| wrong("an impossible time"))?,
            settings.role,
        ))
    }
}

/// The dimension in a collection's settings.
pub fn dimension_of(settings: &str) -> Result<usize> {
    Ok(Config::read(settings)?.0.dimension)
}

/// The collection's name in its settings.
pub fn name_of(settings: &str) -> Result<String> {
    Ok(Config::read(settings)?.0.name)
}

/// Rejects names that cannot be used in a path, since an API may put the name into one.
pub fn check_name(name: &str) -> Result<()> {
    let wrong = if name.is_empty() {
        "is empty"
    } else if name.len() > MAX_NAME_BYTES {
        "is longer than 255 bytes"
    } else if name.contains(['/', '\\']) || name == "." || name == ".." {
        "is or holds a path"
    } else if name.chars().any(char::is_control) {
        "holds a control character"
    } else {
        return Ok(());
    };
    Err(Error::Validation(format!(
        "the collection name {name:?} {wrong}"
    )))
}

fn check_description(description: &str) -> Result<()> {
    let is_refused = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    let wrong = if description.is_empty() {
        "is empty"
    } else if description.len() > MAX_DESCRIPTION_BYTES {
        "is longer than 1024 bytes"
    } else if description.chars().any(is_refused) {
        "holds a control character other than a newline or a tab"
    } else {
        return Ok(());
    };
    Err(Error::Validation(format!("the description {wrong}")))
}

/// Checks the number of candidates kept by a search, whether from a collection's settings or a
/// search's options.
pub fn check_ef_search(what: &str, ef: usize) -> Result<()> {
    check_range(what, ef, 1, 4096)
}

/// Checks how many vectors a dry run is to show.
pub fn check_rows(what: &str, rows: usize) -> Result<()> {
    check_range(what, rows, 1, 1000)
}

fn check_range(what: &str, value: usize, min: usize, max: usize) -> Result<()> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Error::Validation(format!(
        "{what} is {value}; it must be between {min} and {max}"
    )))
}
