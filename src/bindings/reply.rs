//! Results on their way to JavaScript.
//!
//! A small result is one JSON text. A large one is handed over in portions, a turn of
//! the event loop each, so that reading it never holds the loop for long; vectors
//! travel beside the JSON as one typed array for a portion's rows.

use std::collections::VecDeque;

use napi::bindgen_prelude::{External, Float32Array};
use napi_derive::napi;
use parking_lot::Mutex;

use crate::collection::Item;

/// A portion ends at about this much: some tenths of a millisecond to parse.
const PORTION_TEXT: usize = 32 << 10;
const PORTION_FLOATS: usize = 32 << 10;

/// What a call resolves with.
pub enum Reply {
    Nothing,
    Count(usize),
    /// One JSON value.
    Text(String),
    Rows(Rows),
}

/// Rows of a report, as JSON texts of whole arrays.
pub struct Rows {
    /// The report around the rows: an object whose field `key` they belong in, or `[]`.
    head: String,
    key: Option<&'static str>,
    dimension: usize,
    portions: VecDeque<Portion>,
}

#[derive(Default)]
struct Portion {
    text: String,
    data: Vec<f32>,
}

impl Rows {
    pub fn new(head: String, key: Option<&'static str>) -> Self {
        Self {
            head,
            key,
            dimension: 0,
            portions: VecDeque::new(),
        }
    }

    /// Adds a row; `write` appends its JSON.
    pub fn push(&mut self, data: Option<&[f32]>, write: impl FnOnce(&mut String)) {
        let full = self
            .portions
            .back()
            .is_none_or(|last| last.text.len() > PORTION_TEXT || last.data.len() > PORTION_FLOATS);
        if full {
            self.portions.push_back(Portion::default());
        }
        let Some(portion) = self.portions.back_mut() else {
            return;
        };
        portion
            .text
            .push(if portion.text.is_empty() { '[' } else { ',' });
        write(&mut portion.text);
        if let Some(data) = data {
            self.dimension = data.len();
            portion.data.extend_from_slice(data);
        }
    }

    /// The cheapest form of the same result: one text where one is enough.
    pub fn reply(mut self) -> Reply {
        if self.dimension > 0 || self.portions.len() > 1 {
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
        self.push(item.data.as_deref(), |out| {
            out.push_str("{\"id\":");
            push_string(out, &item.id);
            if let Some(score) = item.score {
                out.push_str(",\"score\":");
                out.push_str(&serde_json::Value::from(score).to_string());
            }
            if let Some(metadata) = &item.metadata {
                out.push_str(",\"metadata\":");
                out.push_str(metadata);
            }
            if let Some(text) = &item.text {
                out.push_str(",\"text\":");
                push_string(out, text);
            }
            out.push('}');
        });
    }
}

/// Appends `text` as a JSON string.
pub fn push_string(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// Rows as JavaScript holds them.
pub type HeldRows = External<Mutex<Rows>>;

/// The report that rows belong in, as a JSON text: `head` is the report without them,
/// `key` the field they go to (`null`: the report is the rows), `dimension` the length of
/// each row's vector.
#[napi(skip_typescript)]
pub fn rows_head(rows: &HeldRows) -> String {
    let rows = rows.lock();
    let key = serde_json::Value::from(rows.key);
    let (head, dimension) = (&rows.head, rows.dimension);
    format!("{{\"head\":{head},\"key\":{key},\"dimension\":{dimension}}}")
}

/// The vectors of the next portion's rows, laid end to end.
#[napi(skip_typescript)]
pub fn rows_data(rows: &HeldRows) -> Option<Float32Array> {
    let mut rows = rows.lock();
    let data = std::mem::take(&mut rows.portions.front_mut()?.data);
    (!data.is_empty()).then(|| data.into())
}

/// The next portion: the JSON text of an array of rows. Nothing when all are taken.
#[napi(skip_typescript)]
pub fn rows_next(rows: &HeldRows) -> Option<String> {
    let portion = rows.lock().portions.pop_front()?;
    Some(portion.text + "]")
}
