//! The text of a filter: it is either an error, or matches the same set of rows whichever way that
//! set is computed.

use roaring::RoaringBitmap;
use vectorizer_native::filter::{FieldIndexes, Filter, Source, parse_text};

struct Rows<'a>(Vec<&'a str>);

impl Source for Rows<'_> {
    fn metadata(&self, slot: u32) -> Option<&str> {
        self.0.get(slot as usize).copied()
    }

    fn slot_of(&self, id: &str) -> Option<u32> {
        id.parse().ok()
    }
}

const ROWS: [&str; 12] = [
    "{}",
    r#"{"a":1,"b":"x"}"#,
    r#"{"a":[1,2,"x",null],"b":"2024-01-31"}"#,
    r#"{"a":null,"b":["2024-01-31T00:00:00Z","y"]}"#,
    r#"{"a":{"b":[{"c":1},{"c":[2,3]}]}}"#,
    r#"{"a":true,"b":false,"c":-0.0}"#,
    r#"{"a":1e999,"b":"\ud800","c":[]}"#,
    r#"{"a":"2024-01-31T00:00:00+01:00","a":2}"#,
    r#"{"a":[[1]],"b":{},"c":9007199254740993}"#,
    r#" { "a" : [ {"b":"z"} , 5 ] } "#,
    "[1]",
    "{\"a\":",
];

/// The filter and, after a zero byte, the metadata of one more row.
pub fn run(input: &[u8]) {
    let mut texts = input.splitn(2, |&byte| byte == 0);
    let mut text = || std::str::from_utf8(texts.next().unwrap_or_default());
    let (Ok(text), Ok(metadata)) = (text(), text()) else {
        return;
    };
    let Ok(filter) = parse_text(text) else {
        return;
    };
    let mut rows = Rows(ROWS.to_vec());
    rows.0.push(metadata);
    let alive = (0..rows.0.len() as u32).collect();
    let mut indexes = FieldIndexes::default();
    let found = indexes.evaluate(&filter, &alive, &rows);
    assert!(found.is_subset(&alive));
    assert_eq!(indexes.evaluate(&filter, &alive, &rows), found, "again");
    let others = Filter::Not(Box::new(filter.clone()));
    assert_eq!(indexes.evaluate(&others, &alive, &rows), &alive - &found);
    // The result for a row must not depend on other rows, or on when the row was inserted.
    let odd: RoaringBitmap = alive.iter().filter(|slot| slot % 2 == 1).collect();
    indexes.remove(&odd, &rows);
    let even = &alive - &odd;
    assert_eq!(indexes.evaluate(&filter, &even, &rows), &found - &odd);
    for slot in &odd {
        indexes.insert(slot, rows.metadata(slot));
    }
    assert_eq!(indexes.evaluate(&filter, &alive, &rows), found, "put again");
}
