//! What a dry run shows of the vectors that match.

use std::sync::Arc;

use vectorizer_native::{
    collection::{Batch, Collection, DeleteOptions, FilterDeletion, Guard, Guards, Item, Refusal},
    filter,
    vectors::Metric,
};

use crate::support::{WAIT, collection, plain};

/// The id, the metadata and the text of a vector.
type Given<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

fn empty() -> Arc<Collection> {
    collection(1, Metric::Euclidean)
}

fn insert(collection: &Arc<Collection>, given: &[Given]) {
    let batch = Batch {
        ids: given.iter().map(|(id, ..)| Some((*id).into())).collect(),
        data: vec![1.0; given.len()],
        lengths: vec![1],
        metadata: given
            .iter()
            .map(|(_, one, _)| one.map(Into::into))
            .collect(),
        texts: given
            .iter()
            .map(|(.., text)| text.map(Into::into))
            .collect(),
        ..Batch::default()
    };
    let mut prepared = collection.prepare(batch).unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
}

fn item((id, metadata, text): Given) -> Item {
    Item {
        id: id.into(),
        score: None,
        data: None,
        metadata: metadata.map(Into::into),
        text: text.map(Into::into),
        expires_at: None,
    }
}

/// Deletes the vectors `a`, `b` and `c`.
fn delete(collection: &Arc<Collection>, options: &DeleteOptions) -> FilterDeletion {
    let filter = filter::parse_text(r#"{"must":[{"has_id":["a","b","c"]}]}"#).unwrap();
    collection.delete_matching(&filter, options).unwrap()
}

fn showing(limit: usize) -> DeleteOptions {
    DeleteOptions {
        dry_run: true,
        rows: Some(limit),
        ..plain()
    }
}

#[test]
fn a_dry_run_shows_the_first_that_match_in_insertion_order() {
    let collection = empty();
    let metadata = Some(r#"{"n":12345678901234567890,"text":"é"}"#);
    let rows = [
        ("c", metadata, Some("of c")),
        ("a", None, None),
        ("b", None, Some("of b")),
    ];
    insert(&collection, &[("x", None, None), rows[0], rows[1]]);
    collection.delete_one(WAIT, "x", &plain()).unwrap();
    insert(&collection, &[rows[2], ("y", None, None)]);
    for limit in [0, 1, 2, 3, 1000] {
        let done = delete(&collection, &showing(limit));
        let shown: Vec<Item> = rows.iter().take(limit).map(|&row| item(row)).collect();
        assert_eq!(done.rows, Some(shown));
        let matched: Vec<&str> = done.matched.iter().map(|id| &**id).collect();
        assert_eq!(matched, ["c", "a", "b"]);
    }
    assert_eq!(collection.count(WAIT, None).unwrap(), 4);
}

#[test]
fn a_text_is_shown_up_to_its_200th_code_point() {
    let (short, long) = ("é".repeat(200), "é".repeat(201));
    let wide = format!("x{}", "\u{1f600}".repeat(1000));
    let collection = empty();
    insert(
        &collection,
        &[
            ("a", None, Some(short.as_str())),
            ("b", None, Some(long.as_str())),
            ("c", None, Some(wide.as_str())),
        ],
    );
    let shown = delete(&collection, &showing(3)).rows.unwrap();
    let texts: Vec<&str> = shown
        .iter()
        .filter_map(|item| item.text.as_deref())
        .collect();
    let widest = format!("x{}", "\u{1f600}".repeat(199));
    assert_eq!(texts, [&*short, &*short, &*widest]);
    // What is stored is whole.
    let stored = collection.get(WAIT, "c").unwrap();
    assert_eq!(stored.text.as_deref(), Some(&*wide));
}

#[test]
fn a_dry_run_that_does_not_meet_its_guards_shows_what_matches() {
    let collection = empty();
    insert(&collection, &[("a", None, None), ("b", None, Some("of b"))]);
    let options = DeleteOptions {
        guards: Guards {
            at_most: Some(1),
            expect: None,
        },
        ..showing(2)
    };
    let done = delete(&collection, &options);
    let guard = Guard::AtMost(1);
    assert_eq!(done.refusal, Some(Refusal { count: 2, guard }));
    let shown = vec![item(("a", None, None)), item(("b", None, Some("of b")))];
    assert_eq!(done.rows, Some(shown));
}

#[test]
fn only_a_dry_run_that_is_asked_to_shows_anything() {
    let collection = empty();
    insert(&collection, &[("a", None, None)]);
    let dry = DeleteOptions {
        rows: None,
        ..showing(1)
    };
    assert_eq!(delete(&collection, &dry).rows, None);
    let real = DeleteOptions {
        dry_run: false,
        ..showing(1)
    };
    let done = delete(&collection, &real);
    assert_eq!((done.rows, done.matched.len()), (None, 1));
}
