//! Results on their way to JavaScript.
//!
//! A small report is a single JSON text. A large one is handed over in portions, one per tick of
//! the event loop, so that reading it never blocks the loop for long. Vectors are passed in
//! columns: ids, metadata and texts as JSON, scores, expiries and values as typed arrays next to it,
//! because decimal numbers take longer to parse than everything else.

use std::collections::VecDeque;

use napi::bindgen_prelude::{External, Float32Array, Float64Array};
use napi_derive::napi;
use parking_lot::Mutex;

use crate::{collection::Item, json::has_unsafe_integer};

/// A portion ends at about this size, which takes some tenths of a millisecond to parse.
const PORTION_TEXT: usize = 32 << 10;
const PORTION_FLOATS: usize = 32 << 10;

/// The result of a call.
pub enum Reply {
    Nothing,
    Count(usize),
    /// One JSON value.
    Text(String),
    Rows(Rows),
}

impl Reply {
    /// The size of the JSON that JavaScript parses at once.
    pub fn json_bytes(&self) -> usize {
        match self {
            Reply::Nothing | Reply::Count(_) => 0,
            Reply::Text(text) => text.len(),
            Reply::Rows(rows) => rows.portions.front().map_or(0, |first| first.text.len()),
        }
    }
}

/// Rows of a report, as JSON texts of whole arrays.
pub struct Rows {
    /// The report without the rows: an object whose field `key` they belong in, or `[]`.
    head: String,
    key: Option<&'static str>,
    form: Form,
    /// The length of each row's vector.
    dimension: usize,
    /// Whether the rows have scores.
    scored: bool,
    /// Whether any of the rows expires.
    expiring: bool,
    portions: VecDeque<Portion>,
}

/// The contents of a portion's text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The rows, one after another.
    Rows,
    /// Three values for each vector: the id, the metadata or 0, the text or 0. Metadata that
    /// `JSON.parse` would round is a string with its JSON text.
    Items,
    /// The same for several lists, each terminated by a 0 in place of an id.
    Lists,
}

#[derive(Default)]
struct Portion {
    text: String,
    data: Vec<f32>,
    scores: Vec<f64>,
    /// In milliseconds since 1970; NaN for a vector that does not expire.
    expiries: Vec<f64>,
}

impl Rows {
    pub fn new(head: String, key: Option<&'static str>) -> Self {
        Self {
            head,
            key,
            form: Form::Rows,
            dimension: 0,
            scored: false,
            expiring: false,
            portions: VecDeque::new(),
        }
    }

    /// Rows to be added with `push_item`.
    pub fn items(head: String, key: Option<&'static str>) -> Self {
        Self {
            form: Form::Items,
            ..Self::new(head, key)
        }
    }

    /// The vectors of several lists, which are the whole report.
    pub fn lists() -> Self {
        Self {
            form: Form::Lists,
            ..Self::new("[]".into(), None)
        }
    }

    pub fn end_list(&mut self) {
        self.push(|out| out.push('0'));
    }

    /// Adds a row; `write` appends its JSON.
    pub fn push(&mut self, write: impl FnOnce(&mut String)) {
        let full = self
            .portions
            .back()
            .is_none_or(|last| last.text.len() > PORTION_TEXT || last.data.len() > PORTION_FLOATS);
        if full {
            self.portions.push_back(Portion::default());
        }
        let Some(Portion { text, .. }) = self.portions.back_mut() else {
            return;
        };
        text.push(if text.is_empty() { '[' } else { ',' });
        write(text);
    }

    /// The cheapest form of the same result: a single text if one is enough.
    pub fn reply(mut self) -> Reply {
        if self.form != Form::Rows || self.portions.len() > 1 {
            return Reply::Rows(self);
        }
        let rows = match self.portions.pop_front() {
            Some(portion) => portion.text + "]",
            None => "[]".into(),
        };
        Reply::Text(match self.key {
            None => rows,
            Some(key) => {
                // The head is an object with at least one field.
                self.head.pop();
                format!("{},\"{key}\":{rows}}}", self.head)
            }
        })
    }

    /// Adds a vector as reads return it.
    pub fn push_item(&mut self, item: &Item) {
        self.push(|out| push_columns(out, item));
        self.scored |= item.score.is_some();
        self.expiring |= item.expires_at.is_some();
        self.dimension = item.data.as_ref().map_or(self.dimension, Vec::len);
        if let Some(portion) = self.portions.back_mut() {
            portion.scores.extend(item.score);
            let expiry = item.expires_at.map_or(f64::NAN, |at| at as f64);
            portion.expiries.push(expiry);
            let data = item.data.as_deref().unwrap_or_default();
            portion.data.extend_from_slice(data);
        }
    }
}

/// Appends three values: a vector's id, its metadata or 0, its text or 0.
pub fn push_columns(out: &mut String, item: &Item) {
    push_string(out, &item.id);
    out.push(',');
    match item.metadata.as_deref() {
        Some(metadata) if has_unsafe_integer(metadata) => push_string(out, metadata),
        metadata => out.push_str(metadata.unwrap_or("0")),
    }
    out.push(',');
    match &item.text {
        Some(text) => push_string(out, text),
        None => out.push('0'),
    }
}

/// Appends `text` as a JSON string.
pub fn push_string(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// Rows held by JavaScript.
pub type HeldRows = External<Mutex<Rows>>;

/// Describes the rows, as JSON text: `head` is the report without them, `key` the field they belong
/// in (`null` if the rows are the report), `portions` the number of portions, `items` and `lists`
/// their form (see `Form`), `scored` whether there are scores, `expiring` whether any vector
/// expires, and `dimension` the length of each vector.
#[napi]
pub fn rows_head(rows: &HeldRows) -> String {
    let rows = rows.lock();
    let key = serde_json::Value::from(rows.key);
    format!(
        "{{\"head\":{},\"key\":{key},\"portions\":{},\"items\":{},\"lists\":{},\"scored\":{},\
         \"expiring\":{},\"dimension\":{}}}",
        rows.head,
        rows.portions.len(),
        rows.form != Form::Rows,
        rows.form == Form::Lists,
        rows.scored,
        rows.expiring,
        rows.dimension,
    )
}

/// The scores of the next portion's vectors.
#[napi]
pub fn rows_scores(rows: &HeldRows) -> Option<Float64Array> {
    let mut rows = rows.lock();
    Some(std::mem::take(&mut rows.portions.front_mut()?.scores).into())
}

/// When each of the next portion's vectors expires, in milliseconds since 1970; NaN for one that
/// does not.
#[napi]
pub fn rows_expiries(rows: &HeldRows) -> Option<Float64Array> {
    let mut rows = rows.lock();
    Some(std::mem::take(&mut rows.portions.front_mut()?.expiries).into())
}

/// The values of the next portion's vectors, one after another.
#[napi]
pub fn rows_data(rows: &HeldRows) -> Option<Float32Array> {
    let mut rows = rows.lock();
    Some(std::mem::take(&mut rows.portions.front_mut()?.data).into())
}

/// The next portion's JSON text, an array. Null when all have been taken.
#[napi]
pub fn rows_next(rows: &HeldRows) -> Option<String> {
    let portion = rows.lock().portions.pop_front()?;
    Some(portion.text + "]")
}
