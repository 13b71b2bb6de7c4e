//! What callers call vectors, for errors about them.

use std::{borrow::Cow, fmt};

/// A vector that was given, or that was made of what was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// Its values are at this place.
    At(Cow<'static, str>),
    /// It is one of many that are laid end to end at this place, and how many come before.
    Row(&'static str, usize),
    /// The client's embedder made it of the text at this place.
    MadeOf(Cow<'static, str>),
}

impl Name {
    pub const fn at(place: &'static str) -> Self {
        Name::At(Cow::Borrowed(place))
    }

    pub const fn made_of(place: &'static str) -> Self {
        Name::MadeOf(Cow::Borrowed(place))
    }

    /// One value of it, where all have as many as `dimension`.
    pub fn value(&self, at: usize, dimension: usize) -> String {
        match self {
            Name::At(place) => format!("{place}[{at}]"),
            Name::Row(place, before) => format!("{place}[{}]", before * dimension + at),
            Name::MadeOf(_) => format!("value {at} of {self}"),
        }
    }
}

impl Default for Name {
    fn default() -> Self {
        Name::at("data")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Name::At(place) => f.write_str(place),
            Name::Row(place, before) => write!(f, "{place}: row {before}"),
            // As `face/embedder.ts` says it.
            Name::MadeOf(text) => write!(f, "what the embedder returned for {text}"),
        }
    }
}

type OfVector<T> = Box<dyn Fn(usize) -> T + Send + Sync>;

/// What the caller calls the vectors of a batch, and their ids.
pub struct Names {
    pub vector: OfVector<Name>,
    pub id: OfVector<String>,
}

impl Names {
    pub fn new(
        vector: impl Fn(usize) -> Name + Send + Sync + 'static,
        id: impl Fn(usize) -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            vector: Box::new(vector),
            id: Box::new(id),
        }
    }
}

impl Default for Names {
    /// As a list of vectors is called.
    fn default() -> Self {
        Self::new(
            |i| Name::At(format!("vectors[{i}].data").into()),
            |i| format!("vectors[{i}].id"),
        )
    }
}
