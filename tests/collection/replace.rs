//! Replacing what a filter matches, in memory and on disk, checked against a plain list.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use proptest::prelude::*;
use serde_json::Value;
use vectorizer_native::{
    collection::{
        Collection, ExpiryChange, Guard, Guards, Origin, Places, Refusal, ReplaceOptions, Replaced,
        Replacement, Replacing, Update,
    },
    embed::embed,
    error::{Error, Result},
    filter::{self, Filter},
};

use crate::{
    place::{
        DIMENSION, LATER, Place, Stored, boxed, contents, expiries, insert, meanwhile, stored,
        vector,
    },
    support::{Random, WAIT, optimize},
};

fn of_source(source: &str) -> Filter {
    filter::parse_text(&format!("{{\"source\":\"{source}\"}}")).unwrap()
}

fn by(rows: &[Stored], filter: Filter, origin: Origin) -> Replacement {
    let given: Vec<usize> = match &origin {
        Origin::Given => (0..rows.len()).collect(),
        Origin::BuiltIn => Vec::new(),
        Origin::Embedded(given) => given.clone(),
    };
    Replacement {
        filter,
        ids: rows.iter().map(|row| row.id.clone()).collect(),
        metadata: boxed(rows.iter().map(|row| row.metadata.clone())),
        texts: boxed(rows.iter().map(|row| row.text.clone())),
        expires_at: Vec::new(),
        origin,
        data: given.iter().flat_map(|&at| rows[at].data.clone()).collect(),
        lengths: vec![DIMENSION as u32],
        places: Places::default(),
        options: ReplaceOptions::default(),
        on_progress: None,
    }
}

fn replace(collection: &Arc<Collection>, replacement: Replacement) -> Result<Replaced> {
    match collection.replace(replacement)? {
        Replacing::Ended(replaced) => Ok(*replaced),
        Replacing::Needs(needed) => panic!("vectors for {needed:?}"),
    }
}

/// The ids of a report: inserted, updated, deleted; and the number of unchanged rows.
fn outcome(replaced: &Replaced) -> ([Vec<String>; 3], usize) {
    let ids = [&replaced.inserted, &replaced.updated, &replaced.deleted];
    let ids = ids.map(|ids| ids.iter().map(ToString::to_string).collect());
    (ids, replaced.unchanged)
}

fn ids(names: [&[&str]; 3]) -> [Vec<String>; 3] {
    names.map(|names| names.iter().map(|&name| name.to_owned()).collect())
}

fn message(result: Result<Replaced>) -> String {
    match result {
        Err(Error::Validation(message)) => message,
        other => panic!("{other:?}"),
    }
}

// Against a model.

/// Metadata in one of two ways to write them.
fn metadata(source: u8, more: u8, other: bool) -> String {
    match other {
        false => format!("{{\"source\":\"{source}\",\"more\":{more}}}"),
        true => format!("{{ \"more\" : {more}.0, \"source\": \"\\u003{source}\" }}"),
    }
}

/// What is written of a vector with this id.
#[derive(Debug, Clone)]
struct Content {
    id: u8,
    seed: u8,
    source: u8,
    more: u8,
    other: bool,
    text: Option<u8>,
}

impl Content {
    fn stored(&self) -> Stored {
        Stored {
            id: format!("id{}", self.id),
            data: vector(self.seed),
            metadata: Some(metadata(self.source, self.more, self.other)),
            text: self.text.map(|text| format!("text {text}")),
        }
    }
}

fn content(source: impl Strategy<Value = u8>) -> impl Strategy<Value = Content> {
    let parts = (0u8..12, 0u8..3, source, 0u8..2, any::<bool>());
    let text = prop::option::weighted(0.8, 0u8..3);
    (parts, text).prop_map(|((id, seed, source, more, other), text)| Content {
        id,
        seed,
        source,
        more,
        other,
        text,
    })
}

#[derive(Debug, Clone)]
enum Op {
    Insert(Vec<Content>),
    Replace {
        source: u8,
        rows: Vec<Content>,
        /// Rows for what matches already, as it is.
        keeps: bool,
        /// Whether the rows are texts, and embedded by the caller.
        texts: Option<bool>,
        dry_run: bool,
        at_most: Option<usize>,
    },
    Delete(u8),
    Optimize,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let replace = (0u8..3, any::<bool>(), prop::option::of(any::<bool>())).prop_flat_map(
        |(source, keeps, texts)| {
            let sources = prop_oneof![30 => Just(source), 1 => 0u8..3];
            let rows = prop::collection::vec(content(sources), 0..6);
            let guards = (
                prop::bool::weighted(0.2),
                prop::option::weighted(0.2, 0usize..3),
            );
            (rows, guards).prop_map(move |(rows, (dry_run, at_most))| Op::Replace {
                source,
                rows,
                keeps,
                texts,
                dry_run,
                at_most,
            })
        },
    );
    let op = prop_oneof![
        3 => prop::collection::vec(content(0u8..3), 1..8).prop_map(Op::Insert),
        6 => replace,
        1 => (0u8..12).prop_map(Op::Delete),
        1 => Just(Op::Optimize),
    ];
    prop::collection::vec(op, 1..25)
}

fn source_of(stored: &Stored) -> Value {
    let json: Value = serde_json::from_str(stored.metadata.as_deref().unwrap()).unwrap();
    json["source"].clone()
}

fn is_same_metadata(one: &Stored, other: &Stored) -> bool {
    let read = |stored: &Stored| -> Value {
        let text = stored.metadata.as_deref().unwrap().replace(".0", "");
        serde_json::from_str(&text).unwrap()
    };
    read(one) == read(other)
}

/// The rows of a replacement, of which each has another id.
fn rows_of(model: &[Stored], source: &str, rows: &[Content], keeps: bool) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    if keeps {
        let matching = model.iter().filter(|row| source_of(row) == *source);
        all.extend(matching.step_by(2).cloned());
    }
    all.extend(rows.iter().map(Content::stored));
    let mut seen = HashSet::new();
    all.retain(|row| seen.insert(row.id.clone()));
    all
}

fn run(ops: Vec<Op>, place: Place) -> std::result::Result<(), TestCaseError> {
    let collection = place.collection.clone();
    let mut model: Vec<Stored> = Vec::new();
    for op in ops {
        match op {
            Op::Insert(rows) => {
                let rows: Vec<Stored> = rows.iter().map(Content::stored).collect();
                insert(&collection, &rows);
                for row in rows {
                    match model.iter_mut().find(|other| other.id == row.id) {
                        Some(other) => *other = row,
                        None => model.push(row),
                    }
                }
            }
            Op::Delete(id) => {
                let id = format!("id{id}");
                let _ = collection.delete_one(WAIT, &id, &Default::default());
                model.retain(|row| row.id != id);
            }
            Op::Optimize => optimize(&collection),
            Op::Replace {
                source,
                rows,
                keeps,
                texts,
                dry_run,
                at_most,
            } => {
                let source = source.to_string();
                let mut rows = rows_of(&model, &source, &rows, keeps);
                if texts.is_some() {
                    rows.retain(|row| row.text.is_some());
                }
                let found = |id: &str| model.iter().find(|other| other.id == id);
                let allowed = rows.iter().all(|row| {
                    let of_others = |other: &Stored| source_of(other) != source;
                    source_of(row) == source && !found(&row.id).is_some_and(of_others)
                });
                // What each row is afterwards, and what is embedded for it.
                let (mut wanted, mut needed) = (Vec::new(), Vec::new());
                let (mut expected, mut unchanged) = (ids([&[], &[], &[]]), 0);
                for (at, row) in rows.iter().enumerate() {
                    let old = found(&row.id);
                    let of_text = old.filter(|old| texts.is_some() && old.text == row.text);
                    let mut new = row.clone();
                    if texts.is_some() {
                        let text = row.text.as_deref().unwrap();
                        new.data = match of_text {
                            Some(old) => old.data.clone(),
                            None => embed(text, DIMENSION),
                        };
                        if of_text.is_none() {
                            needed.push(at);
                        }
                    }
                    let is_same = |old: &&Stored| {
                        old.data == new.data && old.text == new.text && is_same_metadata(old, &new)
                    };
                    match old {
                        Some(old) if is_same(&old) => {
                            unchanged += 1;
                            new = old.clone();
                        }
                        Some(_) => expected[1].push(row.id.clone()),
                        None => expected[0].push(row.id.clone()),
                    }
                    wanted.push(new);
                }
                let deleted = model.iter().filter(|old| {
                    source_of(old) == source && wanted.iter().all(|row| row.id != old.id)
                });
                expected[2] = deleted.map(|old| old.id.clone()).collect();

                let filter = of_source(&source);
                let make = |origin: Origin| {
                    let mut replacement = by(&rows, filter.clone(), origin);
                    replacement.options = ReplaceOptions {
                        dry_run,
                        receipt: !dry_run,
                        reason: None,
                        guards: Guards {
                            at_most,
                            expect: None,
                        },
                        ..ReplaceOptions::default()
                    };
                    replacement
                };
                let before = place.disk_bytes();
                let count = expected[2].len();
                let refused = at_most.is_some_and(|most| count > most);
                let ends = dry_run || refused;
                let replaced = match texts {
                    None => replace(&collection, make(Origin::Given)),
                    Some(false) => replace(&collection, make(Origin::BuiltIn)),
                    Some(true) => match collection.replace(make(Origin::Embedded(Vec::new()))) {
                        Err(error) => Err(error),
                        Ok(Replacing::Ended(replaced)) => Ok(*replaced),
                        Ok(Replacing::Needs(indexes)) => {
                            prop_assert!(allowed && !ends);
                            prop_assert_eq!(&indexes, &needed);
                            prop_assert_eq!(&contents(&collection), &model);
                            let mut rows = rows.clone();
                            for &at in &indexes {
                                rows[at].data = wanted[at].data.clone();
                            }
                            let mut replacement = make(Origin::Embedded(indexes.clone()));
                            let data = indexes.iter().flat_map(|&at| rows[at].data.clone());
                            replacement.data = data.collect();
                            replace(&collection, replacement)
                        }
                    },
                };
                prop_assert_eq!(replaced.is_ok(), allowed, "{:?}", replaced);
                let Ok(replaced) = replaced else {
                    prop_assert_eq!(&contents(&collection), &model);
                    prop_assert_eq!(place.disk_bytes(), before);
                    continue;
                };
                let written = expected[0].len() + expected[1].len();
                let erased = expected[1].len() + expected[2].len();
                prop_assert_eq!(outcome(&replaced), (expected, unchanged));
                prop_assert_eq!(replaced.applied, !ends);
                let guard = Guard::AtMost(at_most.unwrap_or_default());
                let refusal = refused.then_some(Refusal { count, guard });
                prop_assert_eq!(replaced.refusal, refusal);
                prop_assert_eq!(
                    replaced.receipt.map(|receipt| receipt.deleted),
                    (!ends).then_some(erased)
                );
                if !ends {
                    model.retain(|old| {
                        source_of(old) != source || wanted.iter().any(|row| row.id == old.id)
                    });
                    for new in wanted {
                        match model.iter_mut().find(|other| other.id == new.id) {
                            Some(other) => *other = new,
                            None => model.push(new),
                        }
                    }
                }
                if ends || written + erased == 0 {
                    prop_assert_eq!(place.disk_bytes(), before);
                }
            }
        }
        prop_assert_eq!(&contents(&collection), &model);
    }
    prop_assert_eq!(collection.verify_erased(&[]).unwrap(), []);
    drop(collection);
    let place = place.opened_again();
    prop_assert_eq!(&contents(&place.collection), &model);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 200,
        ..Default::default()
    })]

    #[test]
    fn of_what_matches_exactly_the_rows_are_there_in_memory(ops in ops()) {
        run(ops, Place::in_memory())?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 60,
        ..Default::default()
    })]

    #[test]
    fn of_what_matches_exactly_the_rows_are_there_on_disk(ops in ops()) {
        run(ops, Place::on_disk())?;
    }
}

/// What a row is given.
fn expiry_change() -> impl Strategy<Value = ExpiryChange> {
    prop_oneof![
        2 => Just(ExpiryChange::Keep),
        1 => Just(ExpiryChange::Never),
        2 => (0..2i64).prop_map(|more| ExpiryChange::At(LATER + more)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 60,
        ..Default::default()
    })]

    #[test]
    fn each_row_has_the_expiry_that_it_was_given_last(
        rounds in prop::collection::vec(
            prop::collection::btree_map(0u8..6, (0u8..2, expiry_change()), 0..6), 1..6,
        ),
        texts in any::<bool>(),
    ) {
        for place in Place::both() {
            let mut model: BTreeMap<u8, (u8, Option<i64>)> = BTreeMap::new();
            for round in &rounds {
                let row = |(id, (seed, _)): (&u8, &(u8, ExpiryChange))| {
                    let row = stored(&id.to_string(), *seed, "s");
                    let data = match texts {
                        true => embed(row.text.as_deref().unwrap(), DIMENSION),
                        false => row.data.clone(),
                    };
                    Stored { data, ..row }
                };
                let rows: Vec<Stored> = round.iter().map(row).collect();
                let origin = if texts { Origin::BuiltIn } else { Origin::Given };
                let mut replacement = by(&rows, of_source("s"), origin);
                let changes = round.values().map(|(_, change)| *change);
                replacement.expires_at = changes.collect();
                let (mut expected, mut unchanged) = (ids([&[], &[], &[]]), 0);
                let mut next = BTreeMap::new();
                for (&id, &(seed, change)) in round {
                    let old = model.remove(&id);
                    let own = old.and_then(|(_, own)| own);
                    let new = (seed, match change {
                        ExpiryChange::Keep => own,
                        ExpiryChange::Never => None,
                        ExpiryChange::At(at) => Some(at),
                    });
                    match old {
                        None => expected[0].push(id.to_string()),
                        Some(old) if old == new => unchanged += 1,
                        Some(_) => expected[1].push(id.to_string()),
                    }
                    next.insert(id, new);
                }
                let deleted: HashSet<String> = model.keys().map(u8::to_string).collect();
                model = next;
                let replaced = replace(&place.collection, replacement).unwrap();
                let ([inserted, updated, gone], same) = outcome(&replaced);
                prop_assert_eq!((&inserted, &updated, same), (&expected[0], &expected[1], unchanged));
                prop_assert_eq!(gone.into_iter().collect::<HashSet<_>>(), deleted);
                let mut found: Vec<(Stored, Option<i64>)> = contents(&place.collection)
                    .into_iter()
                    .zip(expiries(&place.collection))
                    .collect();
                found.sort_by(|one, other| one.0.id.cmp(&other.0.id));
                let own = model.values().map(|(_, own)| *own);
                prop_assert_eq!(found, rows.into_iter().zip(own).collect::<Vec<_>>());
            }
            prop_assert_eq!(place.collection.verify_erased(&[]).unwrap(), []);
        }
    }
}

// One thing at a time.

#[test]
fn only_what_has_changed_is_written() {
    const COUNT: u8 = 100;
    let place = Place::on_disk();
    let long = |row: Stored| Stored {
        text: Some("x".repeat(1000)),
        ..row
    };
    let mut rows: Vec<Stored> = (0..COUNT)
        .map(|n| long(stored(&n.to_string(), n, "a")))
        .collect();
    let run = |rows: &[Stored], origin: Origin| {
        let before = place.disk_bytes().unwrap();
        let replaced = replace(&place.collection, by(rows, of_source("a"), origin)).unwrap();
        (outcome(&replaced).1, place.disk_bytes().unwrap() - before)
    };
    let (_, all) = run(&rows, Origin::Given);
    assert!(all > 100_000, "{all}");
    for origin in [Origin::Given, Origin::BuiltIn, Origin::Embedded(Vec::new())] {
        assert_eq!(run(&rows, origin), (100, 0));
    }
    rows[3].data[0] += 1.0;
    let (unchanged, written) = run(&rows, Origin::Given);
    assert_eq!(unchanged, 99);
    assert!((1000..2000).contains(&written), "{written}");
    // Other metadata of the same text: it is written with the same vector.
    rows[4].metadata = Some(r#"{"source":"a","more":1}"#.into());
    let (unchanged, written) = run(&rows, Origin::Embedded(Vec::new()));
    assert_eq!(unchanged, 99);
    assert!((1000..2000).contains(&written), "{written}");
    assert_eq!(contents(&place.collection), rows);
}

#[test]
fn what_is_unchanged_stays_in_the_graph() {
    let place = Place::in_memory();
    let rows: Vec<Stored> = (0..1500)
        .map(|n| Stored {
            data: Random(n).vector(DIMENSION),
            ..stored(&n.to_string(), 0, "a")
        })
        .collect();
    insert(&place.collection, &rows);
    optimize(&place.collection);
    assert_eq!(place.collection.info(WAIT).unwrap().pending, 0);
    let replaced = replace(&place.collection, by(&rows, of_source("a"), Origin::Given));
    assert_eq!(outcome(&replaced.unwrap()), (ids([&[], &[], &[]]), 1500));
    let info = place.collection.info(WAIT).unwrap();
    assert_eq!((info.pending, info.indexed, info.deleted), (0, 1500, 0));
}

#[test]
fn updated_vectors_keep_their_place_and_new_ones_come_last() {
    for place in Place::both() {
        let first: Vec<_> = ["a", "b", "c", "d"].map(|id| stored(id, 1, "s")).into();
        insert(&place.collection, &first);
        insert(&place.collection, &[stored("other", 1, "t")]);
        let rows = [
            stored("e", 2, "s"),
            stored("c", 2, "s"),
            stored("a", 1, "s"),
        ];
        let replaced = replace(&place.collection, by(&rows, of_source("s"), Origin::Given));
        let expected = (ids([&["e"], &["c"], &["b", "d"]]), 1);
        assert_eq!(outcome(&replaced.unwrap()), expected);
        let found = contents(&place.collection);
        let order: Vec<&str> = found.iter().map(|stored| &*stored.id).collect();
        assert_eq!(order, ["a", "c", "other", "e"]);
        assert_eq!(place.collection.verify_erased(&["b".into()]).unwrap(), []);
        let place = place.opened_again();
        assert_eq!(contents(&place.collection), found);
    }
}

#[test]
fn no_rows_delete_all_that_matches() {
    for place in Place::both() {
        insert(
            &place.collection,
            &[stored("a", 1, "s"), stored("b", 1, "t")],
        );
        for origin in [Origin::Given, Origin::BuiltIn, Origin::Embedded(Vec::new())] {
            let replaced = replace(&place.collection, by(&[], of_source("s"), origin)).unwrap();
            assert!(replaced.applied);
        }
        assert_eq!(contents(&place.collection), [stored("b", 1, "t")]);
    }
}

#[test]
fn rows_that_contradict_the_filter_or_each_other_are_refused() {
    for place in Place::both() {
        let before = [stored("a", 1, "s"), stored("b", 1, "t")];
        insert(&place.collection, &before);
        let refused = |rows: &[Stored], text: &str| {
            let filter = of_source("s");
            let said = message(replace(&place.collection, by(rows, filter, Origin::Given)));
            assert!(said.contains(text), "{said}");
            assert_eq!(contents(&place.collection), before);
        };
        let (fine, twice) = (stored("new", 2, "s"), stored("a", 2, "s"));
        refused(
            &[twice.clone(), fine.clone(), twice],
            "rows[2].id is the same as rows[0].id",
        );
        refused(
            &[fine.clone(), stored("c", 2, "t")],
            "rows[1]: its metadata do not match the filter",
        );
        let none = Stored {
            metadata: None,
            ..stored("c", 2, "s")
        };
        refused(&[none], "rows[0]: its metadata do not match the filter");
        refused(
            &[fine.clone(), stored("b", 2, "s")],
            "rows[1].id is that of a vector that does not match the filter",
        );
        refused(&[stored("", 2, "s")], "rows[0].id is empty");
        let infinite = Stored {
            data: vec![f32::INFINITY; DIMENSION],
            ..fine.clone()
        };
        refused(&[infinite], "rows[0].data[0] is inf");

        let mut short = by(std::slice::from_ref(&fine), of_source("s"), Origin::Given);
        (short.data, short.lengths) = (vec![1.0], vec![1]);
        let error = place.collection.replace(short).unwrap_err();
        assert!(matches!(error, Error::DimensionMismatch { .. }), "{error}");
        let beyond = by(&[], of_source("s"), Origin::Given);
        let beyond = Replacement {
            origin: Origin::Embedded(vec![7]),
            data: vec![1.0; DIMENSION],
            ..beyond
        };
        assert_eq!(
            message(replace(&place.collection, beyond)),
            "a vector is given for rows[7]"
        );
        assert_eq!(contents(&place.collection), before);
    }
}

#[test]
fn guards_count_what_is_deleted() {
    for place in Place::both() {
        let before = ["a", "b", "c"].map(|id| stored(id, 1, "s"));
        insert(&place.collection, &before);
        let run = |at_most, expect, dry_run| {
            let rows = [stored("a", 2, "s"), stored("d", 2, "s")];
            let mut replacement = by(&rows, of_source("s"), Origin::Given);
            replacement.options.guards = Guards { at_most, expect };
            replacement.options.dry_run = dry_run;
            replace(&place.collection, replacement).unwrap()
        };
        for (at_most, expect, guard) in [
            (Some(1), None, Guard::AtMost(1)),
            (None, Some(3), Guard::Expect(3)),
            (None, Some(1), Guard::Expect(1)),
        ] {
            for dry_run in [false, true] {
                let replaced = run(at_most, expect, dry_run);
                assert_eq!(replaced.refusal, Some(Refusal { count: 2, guard }));
                assert_eq!(outcome(&replaced), (ids([&["d"], &["a"], &["b", "c"]]), 0));
                assert!(!replaced.applied);
            }
        }
        assert_eq!(contents(&place.collection), before);
        let replaced = run(Some(2), Some(2), false);
        assert_eq!((replaced.refusal, replaced.applied), (None, true));
    }
}

#[test]
fn a_receipt_covers_what_was_deleted_and_what_was_updated() {
    for place in Place::both() {
        insert(
            &place.collection,
            &["a", "b", "c"].map(|id| stored(id, 1, "s")),
        );
        let rows = [
            stored("a", 1, "s"),
            stored("b", 2, "s"),
            stored("d", 2, "s"),
        ];
        let mut replacement = by(&rows, of_source("s"), Origin::Given);
        replacement.options.receipt = true;
        let receipt = replace(&place.collection, replacement)
            .unwrap()
            .receipt
            .unwrap();
        assert_eq!(receipt.deleted, 2);
        assert_eq!(receipt.log_sequence, 2);
        assert_eq!(receipt.durable, place.store.is_some());
        let info = place.collection.info(WAIT).unwrap();
        assert_eq!(
            (info.erased.vectors, info.erased.bytes),
            (1, receipt.bytes_erased)
        );
    }
}

#[test]
fn what_changes_after_it_was_compared_is_compared_again() {
    let updates = [
        Update {
            metadata: Some(r#"{"source":"s","more":1}"#.into()),
            ..Update::default()
        },
        // In place, and of the same length.
        Update {
            text: Some("text 002".into()),
            ..Update::default()
        },
        Update {
            data: Some(vector(9)),
            ..Update::default()
        },
    ];
    for update in updates {
        for place in Place::both() {
            let rows = [stored("a", 1, "s"), stored("b", 1, "s")];
            insert(&place.collection, &rows);
            let mut replacement = by(&rows, of_source("s"), Origin::Given);
            let (collection, update) = (place.collection.clone(), update.clone());
            replacement.on_progress = Some(meanwhile("prepare", move || {
                collection.update(WAIT, "b", &update).unwrap();
            }));
            let replaced = replace(&place.collection, replacement).unwrap();
            assert_eq!(outcome(&replaced), (ids([&[], &["b"], &[]]), 1));
            assert_eq!(contents(&place.collection), rows);
        }
    }
    for place in Place::both() {
        let rows = [stored("a", 1, "s"), stored("b", 1, "s")];
        insert(&place.collection, &rows);
        let mut replacement = by(&rows, of_source("s"), Origin::Given);
        let collection = place.collection.clone();
        replacement.on_progress = Some(meanwhile("prepare", move || {
            let one = collection.delete_one(WAIT, "b", &Default::default());
            one.unwrap();
            insert(&collection, &[stored("c", 1, "s")]);
        }));
        let replaced = replace(&place.collection, replacement).unwrap();
        assert_eq!(outcome(&replaced), (ids([&["b"], &[], &["c"]]), 1));
        assert_eq!(contents(&place.collection), rows);
    }
}

#[test]
fn what_is_updated_or_unchanged_keeps_the_expiry_of_its_own() {
    for place in Place::both() {
        let [a, b, c] = ["a", "b", "c"].map(|id| stored(id, 1, "s"));
        insert(&place.collection, &[a.clone(), b, c.clone()]);
        for id in ["a", "b"] {
            let set = place.collection.set_expiry(WAIT, id, Some(LATER));
            set.unwrap();
        }
        let rows = [a, stored("b", 2, "s"), c, stored("d", 1, "s")];
        let replaced = replace(&place.collection, by(&rows, of_source("s"), Origin::Given));
        let expected = (ids([&["d"], &["b"], &[]]), 2);
        assert_eq!(outcome(&replaced.unwrap()), expected);
        let place = place.opened_again();
        assert_eq!(contents(&place.collection), rows);
        let expected = [Some(LATER), Some(LATER), None, None];
        assert_eq!(expiries(&place.collection), expected);
    }
}

#[test]
fn a_row_gets_the_expiry_that_it_is_given() {
    for place in Place::both() {
        let rows = ["a", "b", "c", "d"].map(|id| stored(id, 1, "s"));
        insert(&place.collection, &rows[..3]);
        for id in ["a", "b"] {
            let set = place.collection.set_expiry(WAIT, id, Some(LATER));
            set.unwrap();
        }
        let run = |origin: Origin| {
            let mut replacement = by(&rows, of_source("s"), origin);
            replacement.expires_at = vec![
                ExpiryChange::Never,
                ExpiryChange::Keep,
                ExpiryChange::At(LATER + 1),
                ExpiryChange::At(LATER + 2),
            ];
            outcome(&replace(&place.collection, replacement).unwrap())
        };
        let expected = (ids([&["d"], &["a", "c"], &[]]), 1);
        // The texts are the same: none of those that are there is embedded again.
        assert_eq!(run(Origin::Given), expected);
        let before = place.disk_bytes();
        assert_eq!(run(Origin::Embedded(Vec::new())), (ids([&[], &[], &[]]), 4));
        assert_eq!(place.disk_bytes(), before);
        let place = place.opened_again();
        assert_eq!(contents(&place.collection), rows);
        let expected = [None, Some(LATER), Some(LATER + 1), Some(LATER + 2)];
        assert_eq!(expiries(&place.collection), expected);
        assert_eq!(place.collection.verify_erased(&[]).unwrap(), []);
    }
}

#[test]
fn another_expiry_alone_costs_no_vector() {
    for place in Place::both() {
        let rows = [stored("a", 1, "s")];
        insert(&place.collection, &rows);
        for (change, expiry) in [
            (ExpiryChange::At(LATER), Some(LATER)),
            (ExpiryChange::Keep, Some(LATER)),
            (ExpiryChange::Never, None),
        ] {
            let mut replacement = by(&rows, of_source("s"), Origin::Embedded(Vec::new()));
            replacement.expires_at = vec![change];
            let replaced = replace(&place.collection, replacement).unwrap();
            assert_eq!(
                replaced.updated.len(),
                usize::from(change != ExpiryChange::Keep)
            );
            assert_eq!(contents(&place.collection), rows);
            assert_eq!(expiries(&place.collection), [expiry]);
        }
    }
}

#[test]
fn an_expiry_that_is_set_to_another_one_while_rows_are_compared_is_the_given_one_at_last() {
    for given in [ExpiryChange::At(LATER), ExpiryChange::Never] {
        for seed in [1, 2] {
            for place in Place::both() {
                insert(&place.collection, &[stored("a", 1, "s")]);
                let own = match given {
                    ExpiryChange::At(at) => Some(at),
                    _ => None,
                };
                place.collection.set_expiry(WAIT, "a", own).unwrap();
                let rows = [stored("a", seed, "s")];
                let mut replacement = by(&rows, of_source("s"), Origin::Given);
                replacement.expires_at = vec![given];
                let collection = place.collection.clone();
                replacement.on_progress = Some(meanwhile("prepare", move || {
                    let set = collection.set_expiry(WAIT, "a", Some(LATER + 7));
                    set.unwrap();
                }));
                let replaced = replace(&place.collection, replacement).unwrap();
                assert_eq!(outcome(&replaced), (ids([&[], &["a"], &[]]), 0));
                assert_eq!(contents(&place.collection), rows);
                assert_eq!(expiries(&place.collection), [own]);
            }
        }
    }
}

#[test]
fn an_expiry_that_no_vector_can_have_is_refused() {
    let place = Place::in_memory();
    let mut replacement = by(&[stored("a", 1, "s")], of_source("s"), Origin::Given);
    replacement.expires_at = vec![ExpiryChange::At(-1)];
    let refused = message(replace(&place.collection, replacement));
    assert!(
        refused.starts_with("rows[0].expires_at is -1; "),
        "{refused}"
    );
}

#[test]
fn an_expiry_that_is_set_while_rows_are_compared_is_kept() {
    for place in Place::both() {
        insert(&place.collection, &[stored("a", 1, "s")]);
        let rows = [stored("a", 2, "s")];
        let mut replacement = by(&rows, of_source("s"), Origin::Given);
        let collection = place.collection.clone();
        replacement.on_progress = Some(meanwhile("prepare", move || {
            collection.set_expiry(WAIT, "a", Some(LATER)).unwrap();
        }));
        let replaced = replace(&place.collection, replacement).unwrap();
        assert_eq!(outcome(&replaced), (ids([&[], &["a"], &[]]), 0));
        assert_eq!(contents(&place.collection), rows);
        assert_eq!(expiries(&place.collection), [Some(LATER)]);
    }
}

#[test]
fn a_row_with_the_id_of_an_expired_vector_is_inserted() {
    for place in Place::both() {
        let rows = [stored("a", 1, "s"), stored("b", 1, "s")];
        insert(&place.collection, &rows);
        // Whether it is erased by now or not.
        place.collection.set_expiry(WAIT, "b", Some(0)).unwrap();
        let replacement = by(&rows, of_source("s"), Origin::Given);
        let replaced = replace(&place.collection, replacement).unwrap();
        assert_eq!(outcome(&replaced), (ids([&["b"], &[], &[]]), 1));
        let place = place.opened_again();
        assert_eq!(contents(&place.collection), rows);
        assert_eq!(expiries(&place.collection), [None, None]);
        let residues = place.collection.verify_erased(&[]).unwrap();
        assert_eq!(residues, []);
    }
}

#[test]
fn a_vector_that_is_needed_because_of_a_change_is_asked_for() {
    for place in Place::both() {
        let rows = [stored("a", 1, "s"), stored("b", 1, "s")];
        insert(&place.collection, &rows);
        let mut replacement = by(&rows, of_source("s"), Origin::Embedded(Vec::new()));
        let collection = place.collection.clone();
        replacement.on_progress = Some(meanwhile("prepare", move || {
            let one = collection.delete_one(WAIT, "b", &Default::default());
            one.unwrap();
        }));
        let replacing = place.collection.replace(replacement).unwrap();
        assert!(matches!(replacing, Replacing::Needs(rows) if rows == [1]));
        assert_eq!(contents(&place.collection), rows[..1]);
        let again = by(&rows, of_source("s"), Origin::Embedded(vec![1]));
        let replaced = replace(&place.collection, again).unwrap();
        assert_eq!(outcome(&replaced), (ids([&["b"], &[], &[]]), 1));
        assert_eq!(contents(&place.collection), rows);
    }
}

#[test]
fn replacements_at_the_same_time_leave_the_rows_of_one_of_them() {
    for place in Place::both() {
        let rows = |version: u8| -> Vec<Stored> {
            let ids = (0..10).filter(|n| !(n + version).is_multiple_of(3));
            ids.map(|n| Stored {
                metadata: Some(format!("{{\"source\":\"s\",\"of\":{version}}}")),
                ..stored(&n.to_string(), version % 2, "s")
            })
            .collect()
        };
        let is_whole = |found: &[Stored]| {
            (0..4).map(rows).any(|mut rows| {
                rows.sort_by(|one, other| one.id.cmp(&other.id));
                rows == found
            })
        };
        let sorted = || {
            let mut found = contents(&place.collection);
            found.sort_by(|one, other| one.id.cmp(&other.id));
            found
        };
        replace(
            &place.collection,
            by(&rows(0), of_source("s"), Origin::Given),
        )
        .unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|version| {
                    let (rows, place) = (rows(version), &place);
                    scope.spawn(move || {
                        for _ in 0..30 {
                            let replacement = by(&rows, of_source("s"), Origin::Given);
                            replace(&place.collection, replacement).unwrap();
                        }
                    })
                })
                .collect();
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let found = sorted();
                    assert!(is_whole(&found), "{found:?}");
                }
            });
            let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
            done.store(true, Ordering::SeqCst);
            assert!(ended.iter().all(std::result::Result::is_ok));
        });
        assert!(is_whole(&sorted()));
        assert_eq!(place.collection.verify_erased(&[]).unwrap(), []);
    }
}
