//! What callers call vectors, for error messages.

use std::{borrow::Cow, fmt};

/// How an error message refers to a vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// Its values are at this place in the request.
    At(Cow<'static, str>),
    /// It is one of many rows laid end to end at this place; the number of rows before it.
    Row(&'static str, usize),
    /// The client's embedder computed it from the text at this place.
    MadeOf(Cow<'static, str>),
}

impl Name {
    pub const fn at(place: &'static str) -> Self {
        Name::At(Cow::Borrowed(place))
    }

    pub const fn made_of(place: &'static str) -> Self {
        Name::MadeOf(Cow::Borrowed(place))
    }

    /// Refers to one of its values; in a `Row`, every row has `dimension` values.
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
            // The same wording as in `face/embedder.ts`.
            Name::MadeOf(text) => write!(f, "what the embedder returned for {text}"),
        }
    }
}

type OfVector<T> = Box<dyn Fn(usize) -> T + Send + Sync>;

/// What the caller calls the vectors of a batch and their ids.
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

impl Names {
    /// What the caller calls the expiry of a vector: it is beside its id.
    pub fn expiry(&self, at: usize) -> String {
        let id = (self.id)(at);
        let vector = id.strip_suffix(".id");
        match (vector, id.strip_prefix("ids[")) {
            (Some(vector), _) => format!("{vector}.expires_at"),
            (None, Some(place)) => format!("expires_at[{place}"),
            (None, None) => format!("the expires_at of {id}"),
        }
    }
}

impl Default for Names {
    /// The names used for a list of vectors.
    fn default() -> Self {
        Self::new(
            |i| Name::At(format!("vectors[{i}].data").into()),
            |i| format!("vectors[{i}].id"),
        )
    }
}
