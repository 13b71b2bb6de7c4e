//! Patches of metadata and updates of many vectors, in memory and on disk, checked against a plain
//! list.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use vectorizer_native::{
    cancel::{self, Token},
    collection::{
        Collection, ExpiryChange, Guard, Guards, Name, Patch, Patched, Refusal, Update, UpdateOf,
    },
    error::{Error, Result},
    filter::{self, Filter},
};

use crate::{
    place::{
        DIMENSION, LATER, Place, Stored, contents, expiries, insert, meanwhile, stored, vector,
    },
    support::{WAIT, optimize, search},
};

fn filter(text: &str) -> Filter {
    filter::parse_text(text).unwrap()
}

fn patch(of: &str, text: &str) -> Patch {
    Patch {
        filter: filter(of),
        patch: text.into(),
        dry_run: false,
        guards: Guards::default(),
        on_progress: None,
    }
}

fn update_of(id: &str, update: Update) -> UpdateOf {
    UpdateOf {
        id: id.into(),
        update,
    }
}

fn metadata(text: &str) -> Update {
    Update {
        metadata: Some(text.into()),
        ..Update::default()
    }
}

fn data(seed: u8) -> Update {
    Update {
        data: Some(vector(seed)),
        ..Update::default()
    }
}

fn text(text: &str) -> Update {
    Update {
        text: Some(text.into()),
        ..Update::default()
    }
}

fn expiring(expires_at: ExpiryChange) -> Update {
    Update {
        expires_at,
        ..Update::default()
    }
}

/// The ids that matched, each with whether it changed.
fn matched(patched: &Patched) -> Vec<(&str, bool)> {
    let matched = patched.matched.iter();
    matched.map(|(id, changed)| (&**id, *changed)).collect()
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Validation(message)) => message,
        other => panic!("{other:?}"),
    }
}

fn with_metadata(id: &str, metadata: Option<&str>) -> Stored {
    Stored {
        metadata: metadata.map(str::to_owned),
        ..stored(id, 1, "")
    }
}

fn metadata_of(collection: &Collection) -> Vec<Option<String>> {
    let all = contents(collection).into_iter();
    all.map(|stored| stored.metadata).collect()
}

// Against a model.

/// A vector with the expiry of its own that it has.
type Kept = (Stored, Option<i64>);

#[derive(Debug, Clone)]
enum Op {
    Insert(Vec<Stored>),
    Patch {
        matching: Matching,
        patch: Value,
        dry_run: bool,
        at_most: Option<usize>,
        expect: Option<usize>,
    },
    Update(Vec<(u8, Change)>),
    Delete(u8),
    Optimize,
    Reopen,
}

#[derive(Debug, Clone)]
enum Matching {
    Source(u8),
    Ids(Vec<u8>),
}

/// An update, whose fields are seeds.
#[derive(Debug, Clone, Default)]
struct Change {
    data: Option<u8>,
    metadata: Option<String>,
    text: Option<u8>,
    expires_at: ExpiryChange,
}

impl Matching {
    fn filter(&self) -> Filter {
        filter(&match self {
            Matching::Source(source) => format!("{{\"source\":{source}}}"),
            Matching::Ids(ids) => {
                let ids: Vec<String> = ids.iter().map(|&id| id_of(id)).collect();
                json!({"must":[{"has_id":ids}]}).to_string()
            }
        })
    }

    fn matches(&self, stored: &Stored) -> bool {
        match self {
            Matching::Source(source) => {
                let value = stored.metadata.as_deref().map(value_of);
                value.is_some_and(|value| value["source"] == *source)
            }
            Matching::Ids(ids) => ids.iter().any(|&id| id_of(id) == stored.id),
        }
    }
}

impl Change {
    fn update(&self) -> Update {
        Update {
            data: self.data.map(vector),
            name: Name::default(),
            text: self.text.map(|seed| format!("text {seed}").into()),
            metadata: self.metadata.as_deref().map(Box::from),
            expires_at: self.expires_at,
        }
    }

    fn apply(&self, (stored, expiry): &mut Kept) {
        let update = self.update();
        if let Some(data) = update.data {
            stored.data = data;
        }
        if let Some(text) = update.text {
            stored.text = Some(text.into());
        }
        if let Some(metadata) = update.metadata {
            stored.metadata = Some(metadata.into());
        }
        match self.expires_at {
            ExpiryChange::Keep => {}
            ExpiryChange::Never => *expiry = None,
            ExpiryChange::At(at) => *expiry = Some(at),
        }
    }
}

fn id_of(number: u8) -> String {
    format!("id{number}")
}

fn value_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// As in RFC 7396, section 2.
fn merged(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch.clone();
    };
    let mut members = match target {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for (key, value) in patch {
        if value.is_null() {
            members.remove(key);
        } else {
            let old = members.get(key).cloned().unwrap_or_default();
            members.insert(key.clone(), merged(old, value));
        }
    }
    Value::Object(members)
}

/// The members `source`, `a` and `o`, or some of them.
fn object(nulls: bool) -> impl Strategy<Value = Value> {
    let null = move |share| prop::bool::weighted(if nulls { share } else { 0.0 });
    let member = move |value: BoxedStrategy<Value>| {
        let value = (null(0.3), value).prop_map(|(null, value)| match null {
            true => Value::Null,
            false => value,
        });
        prop::option::weighted(0.6, value)
    };
    let number = || (0u8..3).prop_map(Value::from).boxed();
    let inner = (member(number()), member(number())).prop_map(|(x, y)| {
        let members = [("x", x), ("y", y)].into_iter();
        members
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect::<Map<_, _>>()
            .into()
    });
    let text = "[ab\"😀]{0,2}".prop_map(Value::from).boxed();
    (member(number()), member(text), member(inner.boxed())).prop_map(|(source, a, o)| {
        let members = [("source", source), ("a", a), ("o", o)].into_iter();
        members
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect::<Map<_, _>>()
            .into()
    })
}

fn written() -> impl Strategy<Value = String> {
    (object(false), any::<bool>()).prop_map(|(value, pretty)| match pretty {
        true => format!("{value:#}"),
        false => value.to_string(),
    })
}

fn vectors() -> impl Strategy<Value = Vec<Stored>> {
    let one = (
        0u8..12,
        0u8..3,
        prop::option::weighted(0.8, written()),
        prop::option::weighted(0.7, 0u8..3),
    );
    let one = one.prop_map(|(id, seed, metadata, text)| Stored {
        id: id_of(id),
        data: vector(seed),
        metadata,
        text: text.map(|text| format!("text {text}")),
    });
    prop::collection::vec(one, 1..8)
}

fn change() -> impl Strategy<Value = Change> {
    let expiry = prop_oneof![
        3 => Just(ExpiryChange::Keep),
        1 => Just(ExpiryChange::Never),
        1 => (0i64..3).prop_map(|more| ExpiryChange::At(LATER + more)),
    ];
    let parts = (
        prop::option::of(0u8..3),
        prop::option::of(written()),
        prop::option::of(0u8..3),
        expiry,
    );
    parts.prop_map(|(data, metadata, text, expires_at)| Change {
        data,
        metadata,
        text,
        expires_at,
    })
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let matching = prop_oneof![
        2 => (0u8..3).prop_map(Matching::Source),
        1 => prop::collection::vec(0u8..12, 1..8).prop_map(Matching::Ids),
    ];
    let guards = (
        prop::option::weighted(0.15, 0usize..4),
        prop::option::weighted(0.15, 0usize..4),
    );
    let patch = (matching, object(true), prop::bool::weighted(0.2), guards);
    let patch = patch.prop_map(|(matching, patch, dry_run, (at_most, expect))| Op::Patch {
        matching,
        patch,
        dry_run,
        at_most,
        expect,
    });
    let updates = prop::collection::btree_map(0u8..14, change(), 0..8);
    let op = prop_oneof![
        3 => vectors().prop_map(Op::Insert),
        6 => patch,
        4 => updates.prop_map(|all| Op::Update(all.into_iter().rev().collect())),
        1 => (0u8..12).prop_map(Op::Delete),
        1 => Just(Op::Optimize),
        1 => Just(Op::Reopen),
    ];
    prop::collection::vec(op, 1..25)
}

fn all(collection: &Collection) -> Vec<Kept> {
    contents(collection)
        .into_iter()
        .zip(expiries(collection))
        .collect()
}

fn run(ops: Vec<Op>, mut place: Place) -> std::result::Result<(), TestCaseError> {
    let mut model: Vec<Kept> = Vec::new();
    for op in ops {
        let collection = place.collection.clone();
        match op {
            Op::Insert(rows) => {
                insert(&collection, &rows);
                for row in rows {
                    match model.iter_mut().find(|other| other.0.id == row.id) {
                        Some(other) => *other = (row, None),
                        None => model.push((row, None)),
                    }
                }
            }
            Op::Delete(id) => {
                let _ = collection.delete_one(WAIT, &id_of(id), &Default::default());
                model.retain(|(stored, _)| stored.id != id_of(id));
            }
            Op::Optimize => optimize(&collection),
            Op::Reopen => {
                drop(collection);
                place = place.opened_again();
                prop_assert_eq!(&all(&place.collection), &model);
            }
            Op::Update(updates) => {
                let given = updates.iter();
                let given = given.map(|(id, change)| update_of(&id_of(*id), change.update()));
                let found = collection.update_many(given.collect(), None).unwrap();
                let mut expected = Vec::new();
                for (id, change) in &updates {
                    let old = model.iter_mut().find(|(old, _)| old.id == id_of(*id));
                    expected.push(old.is_some());
                    if let Some(old) = old {
                        change.apply(old);
                    }
                }
                prop_assert_eq!(found, expected);
            }
            Op::Patch {
                matching,
                patch,
                dry_run,
                at_most,
                expect,
            } => {
                let before = place.disk_bytes();
                let matching_ones = model.iter().filter(|(old, _)| matching.matches(old));
                let expected: Vec<(String, bool, Value)> = matching_ones
                    .map(|(old, _)| {
                        let had = old.metadata.as_deref().map_or(json!({}), value_of);
                        let has = merged(had.clone(), &patch);
                        (old.id.clone(), had != has, has)
                    })
                    .collect();
                let guards = Guards { at_most, expect };
                let patched = collection
                    .patch_metadata(Patch {
                        filter: matching.filter(),
                        patch: patch.to_string().into(),
                        dry_run,
                        guards,
                        on_progress: None,
                    })
                    .unwrap();
                let count = expected.len();
                let refusal = match (at_most, expect) {
                    (Some(most), _) if count > most => Some(Guard::AtMost(most)),
                    (_, Some(exactly)) if count != exactly => Some(Guard::Expect(exactly)),
                    _ => None,
                };
                let refusal = refusal.map(|guard| Refusal { count, guard });
                prop_assert_eq!(patched.scanned, model.len());
                prop_assert_eq!(patched.refusal, refusal);
                prop_assert_eq!(patched.applied, !dry_run && refusal.is_none());
                let told: Vec<_> = expected.iter().map(|(id, new, _)| (&**id, *new)).collect();
                prop_assert_eq!(matched(&patched), told);
                if patched.applied {
                    let now = contents(&collection);
                    for (id, changed, value) in &expected {
                        let one = now.iter().find(|stored| stored.id == *id).unwrap();
                        let old = model.iter_mut().find(|(old, _)| old.id == *id).unwrap();
                        if *changed {
                            let text = one.metadata.clone().unwrap();
                            prop_assert_eq!(&value_of(&text), value);
                            old.0.metadata = Some(text);
                        }
                    }
                }
                let changed = expected.iter().any(|(_, changed, _)| *changed);
                if !patched.applied || !changed {
                    prop_assert_eq!(place.disk_bytes(), before);
                }
            }
        }
        prop_assert_eq!(&all(&place.collection), &model);
    }
    prop_assert_eq!(place.collection.verify_erased(&[]).unwrap(), []);
    let place = place.opened_again();
    prop_assert_eq!(&all(&place.collection), &model);
    // Filters and searches find what lists have.
    for source in 0..3 {
        let matching = Matching::Source(source);
        let expected = model.iter().filter(|(old, _)| matching.matches(old));
        let expected: HashSet<String> = expected.map(|(old, _)| old.id.clone()).collect();
        let patched = place.collection.patch_metadata(Patch {
            filter: matching.filter(),
            patch: "{}".into(),
            dry_run: true,
            guards: Guards::default(),
            on_progress: None,
        });
        let found = patched.unwrap().matched.into_iter();
        prop_assert_eq!(
            found.map(|(id, _)| id.to_string()).collect::<HashSet<_>>(),
            expected
        );
    }
    for (stored, _) in &model {
        let found = search(&place.collection, &stored.data, model.len());
        prop_assert_eq!(found.len(), model.len());
        let best = model.iter().find(|(other, _)| *other.id == *found[0].id);
        prop_assert_eq!(&best.unwrap().0.data, &stored.data);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 200,
        ..Default::default()
    })]

    #[test]
    fn patches_and_updates_of_many_do_what_they_say_in_memory(ops in ops()) {
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
    fn patches_and_updates_of_many_do_what_they_say_on_disk(ops in ops()) {
        run(ops, Place::on_disk())?;
    }
}

// One thing at a time.

#[test]
fn a_patch_keeps_everything_but_the_members_that_it_names() {
    for place in Place::both() {
        let old = r#"{"source":"s","n":1.00,"big":123456789012345678901,"o":{"x":1,"y":[1, 2]}}"#;
        let rows = [
            with_metadata("a", Some(old)),
            with_metadata("b", Some(r#"{"source":"t"}"#)),
            with_metadata("c", Some(r#"{"source":"s","o":7}"#)),
        ];
        insert(&place.collection, &rows);
        place.collection.set_expiry(WAIT, "a", Some(LATER)).unwrap();
        optimize(&place.collection);
        let patched = place.collection.patch_metadata(patch(
            r#"{"source":"s"}"#,
            r#"{"source":"u","o":{"x":null,"z":3.50}}"#,
        ));
        let patched = patched.unwrap();
        assert!(patched.applied);
        assert_eq!(matched(&patched), [("a", true), ("c", true)]);
        let place = place.opened_again();
        let mut expected = rows;
        expected[0].metadata = Some(
            r#"{"source":"u","n":1.00,"big":123456789012345678901,"o":{"y":[1, 2],"z":3.50}}"#
                .into(),
        );
        expected[2].metadata = Some(r#"{"source":"u","o":{"z":3.50}}"#.into());
        assert_eq!(contents(&place.collection), expected);
        assert_eq!(expiries(&place.collection), [Some(LATER), None, None]);
    }
}

#[test]
fn a_vector_without_metadata_gets_some_unless_they_would_be_empty() {
    for place in Place::both() {
        insert(&place.collection, &[with_metadata("a", None)]);
        let of = r#"{"must":[{"has_id":["a"]}]}"#;
        let run = |text: &str| {
            let patched = place.collection.patch_metadata(patch(of, text)).unwrap();
            patched.matched[0].1
        };
        assert!(!run(r#"{"x":null}"#));
        assert_eq!(metadata_of(&place.collection), [None]);
        assert!(run(r#"{"x":{"y":null}}"#));
        assert_eq!(metadata_of(&place.collection), [Some(r#"{"x":{}}"#.into())]);
        assert!(run(r#"{"x":null}"#));
        assert_eq!(metadata_of(&place.collection), [Some("{}".into())]);
    }
}

#[test]
fn what_a_patch_leaves_as_it_is_is_not_written() {
    let place = Place::on_disk();
    let rows: Vec<Stored> = (0..300)
        .map(|n| Stored {
            text: Some("x".repeat(1000)),
            ..with_metadata(&n.to_string(), Some(r#"{ "source" : "s", "n" : 1 }"#))
        })
        .collect();
    insert(&place.collection, &rows);
    let run = |text: &str| {
        let before = place.disk_bytes().unwrap();
        let patched = place
            .collection
            .patch_metadata(patch(r#"{"source":"s"}"#, text))
            .unwrap();
        assert_eq!((patched.matched.len(), patched.applied), (300, true));
        let changed = patched.matched.iter().filter(|(_, changed)| *changed);
        (changed.count(), place.disk_bytes().unwrap() - before)
    };
    assert_eq!(run("{}"), (0, 0));
    assert_eq!(run(r#"{"n":1.0,"o":null}"#), (0, 0));
    let one = update_of("7", metadata(r#"{"source":"s","n":2}"#));
    place.collection.update_many(vec![one], None).unwrap();
    let (changed, written) = run(r#"{"n":2}"#);
    assert_eq!(changed, 299);
    assert!((299_000..600_000).contains(&written), "{written}");
    let info = place.collection.info(WAIT).unwrap();
    let (changed, written) = run(r#"{"n":2}"#);
    assert_eq!((changed, written), (0, 0));
    let now = place.collection.info(WAIT).unwrap();
    assert_eq!(now.updated_at, info.updated_at);
}

#[test]
fn a_dry_run_and_a_patch_that_does_not_meet_its_guards_change_nothing() {
    for place in Place::both() {
        let rows = ["a", "b", "c"].map(|id| stored(id, 1, "s"));
        insert(&place.collection, &rows);
        let more = update_of("b", metadata(r#"{"source":"s","x":1}"#));
        place.collection.update_many(vec![more], None).unwrap();
        let before = contents(&place.collection);
        let run = |at_most, expect, dry_run| {
            let patched = place.collection.patch_metadata(Patch {
                dry_run,
                guards: Guards { at_most, expect },
                ..patch(r#"{"source":"s","none":{"$exists":false}}"#, r#"{"x":1}"#)
            });
            patched.unwrap()
        };
        for (at_most, expect, guard) in [
            (Some(2), None, Guard::AtMost(2)),
            (None, Some(2), Guard::Expect(2)),
        ] {
            for dry_run in [false, true] {
                let patched = run(at_most, expect, dry_run);
                assert_eq!(patched.refusal, Some(Refusal { count: 3, guard }));
                let expected = [("a", true), ("b", false), ("c", true)];
                assert_eq!(matched(&patched), expected);
                assert_eq!((patched.scanned, patched.applied), (3, false));
                assert_eq!(patched.unknown, ["none"]);
            }
        }
        let patched = run(None, Some(3), true);
        assert_eq!((patched.refusal, patched.applied), (None, false));
        assert_eq!(contents(&place.collection), before);
        let patched = run(Some(3), Some(3), false);
        assert_eq!((patched.refusal, patched.applied), (None, true));
        let x = r#"{"source":"s","x":1}"#.to_owned();
        assert_eq!(
            metadata_of(&place.collection),
            [Some(x.clone()), Some(x.clone()), Some(x)]
        );
    }
}

#[test]
fn what_is_not_a_json_object_is_no_patch() {
    for place in Place::both() {
        let rows = [stored("a", 1, "s")];
        insert(&place.collection, &rows);
        for (text, expected) in [
            ("[]", "patch must be a plain object"),
            ("null", "patch must be a plain object"),
            ("7", "patch must be a plain object"),
            ("", "patch is not valid JSON"),
            (r#"{"a":1"#, "patch is not valid JSON"),
            (r#"{"a":1}}"#, "patch is not valid JSON"),
            (r#"{"a":01}"#, "patch is not valid JSON"),
            (r#"{"a" 1}"#, "patch is not valid JSON"),
        ] {
            let refused = place
                .collection
                .patch_metadata(patch(r#"{"source":"s"}"#, text));
            assert_eq!(message(refused), expected, "{text}");
        }
        assert_eq!(contents(&place.collection), rows);
    }
}

#[test]
fn a_deep_patch_is_applied() {
    let deep = format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
    for place in Place::both() {
        insert(&place.collection, &[with_metadata("a", None)]);
        let of = r#"{"must":[{"has_id":["a"]}]}"#;
        for expected in [true, false] {
            let patched = place.collection.patch_metadata(patch(of, &deep)).unwrap();
            assert_eq!(matched(&patched), [("a", expected)]);
        }
        assert_eq!(metadata_of(&place.collection), [Some(deep.clone())]);
    }
}

#[test]
fn what_changes_after_it_was_read_is_patched_as_it_is_then() {
    // An update of one that matches, and what the others become.
    let cases: [(Update, &str); 4] = [
        (
            metadata(r#"{"source":"s","more":1}"#),
            r#"{"source":"s","more":1,"x":1}"#,
        ),
        (metadata(r#"{"source":"t"}"#), r#"{"source":"t"}"#),
        (text("other text"), r#"{"source":"s","x":1}"#),
        (data(9), r#"{"source":"s","x":1}"#),
    ];
    for (update, expected) in cases {
        for place in Place::both() {
            let rows = ["a", "b"].map(|id| stored(id, 1, "s"));
            insert(&place.collection, &rows);
            let (collection, given) = (place.collection.clone(), update.clone());
            let mut patching = patch(r#"{"source":"s"}"#, r#"{"x":1}"#);
            patching.on_progress = Some(meanwhile("patch", move || {
                collection.update(WAIT, "b", &given).unwrap();
            }));
            place.collection.patch_metadata(patching).unwrap();
            let place = place.opened_again();
            let [mut a, mut b] = rows;
            a.metadata = Some(r#"{"source":"s","x":1}"#.into());
            b.metadata = Some(expected.into());
            b.data = update.data.clone().unwrap_or(b.data);
            b.text = update.text.clone().map(String::from).or(b.text);
            assert_eq!(contents(&place.collection), [a, b]);
        }
    }
}

#[test]
fn what_comes_and_goes_while_a_patch_is_prepared_is_seen() {
    for place in Place::both() {
        let rows = ["a", "b"].map(|id| stored(id, 1, "s"));
        insert(&place.collection, &rows);
        let collection = place.collection.clone();
        let mut patching = patch(r#"{"source":"s"}"#, r#"{"source":"u"}"#);
        patching.on_progress = Some(meanwhile("patch", move || {
            let gone = collection.delete_one(WAIT, "a", &Default::default());
            gone.unwrap();
            insert(&collection, &[stored("c", 1, "s")]);
        }));
        let patched = place.collection.patch_metadata(patching).unwrap();
        assert_eq!(matched(&patched), [("b", true), ("c", true)]);
        assert_eq!(
            contents(&place.collection),
            ["b", "c"].map(|id| stored(id, 1, "u"))
        );
        assert_eq!(place.collection.verify_erased(&[]).unwrap(), []);
    }
}

#[test]
fn an_expiry_that_is_set_while_a_patch_is_prepared_is_kept() {
    for place in Place::both() {
        insert(&place.collection, &[stored("a", 1, "s")]);
        let collection = place.collection.clone();
        let mut patching = patch(r#"{"source":"s"}"#, r#"{"source":"u"}"#);
        patching.on_progress = Some(meanwhile("patch", move || {
            collection.set_expiry(WAIT, "a", Some(LATER)).unwrap();
        }));
        place.collection.patch_metadata(patching).unwrap();
        let place = place.opened_again();
        assert_eq!(contents(&place.collection), [stored("a", 1, "u")]);
        assert_eq!(expiries(&place.collection), [Some(LATER)]);
    }
}

#[test]
fn a_patch_and_an_update_that_are_cancelled_change_nothing() {
    for place in Place::both() {
        let rows = ["a", "b"].map(|id| stored(id, 1, "s"));
        insert(&place.collection, &rows);
        let token = Arc::new(Token::default());
        let cancelling = || {
            let token = token.clone();
            move || assert!(token.cancel())
        };
        let mut patching = patch(r#"{"source":"s"}"#, r#"{"x":1}"#);
        patching.on_progress = Some(meanwhile("patch", cancelling()));
        let patched = cancel::during(Some(token.clone()), || {
            place.collection.patch_metadata(patching)
        });
        assert!(matches!(patched, Err(Error::Cancelled)), "{patched:?}");
        let updates = vec![update_of("a", data(3))];
        let updated = cancel::during(Some(token.clone()), || {
            place.collection.update_many(updates, None)
        });
        assert!(matches!(updated, Err(Error::Cancelled)), "{updated:?}");
        assert_eq!(contents(&place.collection), rows);
    }
}

#[test]
fn patches_at_the_same_time_all_take_place() {
    for place in Place::both() {
        let rows: Vec<Stored> = (0..200).map(|n| stored(&n.to_string(), 1, "s")).collect();
        insert(&place.collection, &rows);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let writers: Vec<_> = ["a", "b", "c"]
                .into_iter()
                .map(|key| {
                    let place = &place;
                    scope.spawn(move || {
                        for round in 0..10 {
                            let text = format!("{{\"{key}\":{round}}}");
                            let patching = patch(r#"{"source":"s"}"#, &text);
                            let patched = place.collection.patch_metadata(patching).unwrap();
                            assert_eq!(patched.matched.len(), 200);
                        }
                    })
                })
                .collect();
            // Each is seen whole, or not at all.
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let now: HashSet<Value> = metadata_of(&place.collection)
                        .into_iter()
                        .map(|text| value_of(&text.unwrap()))
                        .collect();
                    assert_eq!(now.len(), 1, "{now:?}");
                }
            });
            let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
            done.store(true, Ordering::SeqCst);
            assert!(ended.iter().all(std::result::Result::is_ok));
        });
        for text in metadata_of(&place.collection) {
            let expected = json!({"source":"s","a":9,"b":9,"c":9});
            assert_eq!(value_of(&text.unwrap()), expected);
        }
        assert_eq!(place.collection.verify_erased(&[]).unwrap(), []);
    }
}

#[test]
fn a_patch_tells_how_far_it_is() {
    for place in Place::both() {
        let rows: Vec<Stored> = (0..300).map(|n| stored(&n.to_string(), 1, "s")).collect();
        insert(&place.collection, &rows);
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = told.clone();
        let mut patching = patch(r#"{"source":"s"}"#, r#"{"x":1}"#);
        patching.on_progress = Some(Box::new(move |phase, progress| {
            let mut heard = heard.lock().unwrap();
            heard.push((phase, progress.done, progress.total));
        }));
        place.collection.patch_metadata(patching).unwrap();
        let told = told.lock().unwrap();
        assert_eq!(told.first(), Some(&("patch", 0, 300)));
        assert_eq!(told.last(), Some(&("patch", 300, 300)));
    }
}

#[test]
fn an_update_of_many_replaces_what_it_gives_and_keeps_the_rest() {
    for place in Place::both() {
        let rows = ["a", "b", "c", "d", "e"].map(|id| stored(id, 1, "s"));
        insert(&place.collection, &rows);
        place.collection.set_expiry(WAIT, "c", Some(LATER)).unwrap();
        optimize(&place.collection);
        let updates = vec![
            update_of("e", expiring(ExpiryChange::At(LATER))),
            update_of("missing", data(5)),
            update_of("a", data(2)),
            update_of("b", text("new")),
            update_of("c", expiring(ExpiryChange::Never)),
            update_of("d", metadata(r#"{"n":1}"#)),
        ];
        let found = place.collection.update_many(updates, None).unwrap();
        assert_eq!(found, [true, false, true, true, true, true]);
        let place = place.opened_again();
        let mut expected = rows;
        expected[0].data = vector(2);
        expected[1].text = Some("new".into());
        expected[3].metadata = Some(r#"{"n":1}"#.into());
        assert_eq!(contents(&place.collection), expected);
        let expected = [None, None, None, None, Some(LATER)];
        assert_eq!(expiries(&place.collection), expected);
        assert_eq!(place.collection.verify_erased(&[]).unwrap(), []);
    }
}

#[test]
fn an_update_of_many_that_is_refused_changes_nothing() {
    for place in Place::both() {
        let rows = ["a", "b"].map(|id| stored(id, 1, "s"));
        insert(&place.collection, &rows);
        let run = |last: UpdateOf| {
            let updates = vec![update_of("a", data(2)), last];
            place.collection.update_many(updates, None)
        };
        assert_eq!(
            message(run(update_of("a", data(3)))),
            "updates[1].id is that of updates[0] too: give one update for each vector"
        );
        let named = |data| Update {
            data: Some(data),
            name: Name::At("updates[1].data".into()),
            ..Update::default()
        };
        let mut infinite = vector(1);
        infinite[2] = f32::INFINITY;
        let refused = message(run(update_of("b", named(infinite))));
        assert!(
            refused.starts_with("updates[1].data[2] is inf"),
            "{refused}"
        );
        let short = run(update_of("b", named(vec![1.0]))).unwrap_err();
        assert!(
            matches!(
                short,
                Error::DimensionMismatch {
                    expected: DIMENSION,
                    got: 1,
                    ..
                }
            ),
            "{short}"
        );
        let refused = message(run(update_of("b", expiring(ExpiryChange::At(-1)))));
        assert!(
            refused.starts_with("updates[1].expires_at is -1"),
            "{refused}"
        );
        assert_eq!(contents(&place.collection), rows);
    }
}

#[test]
fn an_update_of_many_has_the_same_outcome_as_one_after_the_other() {
    for (one, other) in Place::both().into_iter().zip(Place::both()) {
        let rows: Vec<Stored> = (0..300).map(|n| stored(&n.to_string(), 1, "s")).collect();
        let updates = || -> Vec<(String, Update)> {
            let updates = (0..300u16).rev().map(|n| {
                let update = Update {
                    data: n.is_multiple_of(2).then(|| vector((n % 251) as u8)),
                    text: n.is_multiple_of(3).then(|| format!("new {n}").into()),
                    metadata: n.is_multiple_of(5).then(|| format!("{{\"n\":{n}}}").into()),
                    ..Update::default()
                };
                (n.to_string(), update)
            });
            updates.collect()
        };
        for place in [&one, &other] {
            insert(&place.collection, &rows);
            optimize(&place.collection);
        }
        for (id, update) in updates() {
            one.collection.update(WAIT, &id, &update).unwrap();
        }
        let many = updates().into_iter();
        let many = many.map(|(id, update)| UpdateOf { id, update });
        let found = other.collection.update_many(many.collect(), None);
        assert_eq!(found.unwrap(), [true; 300]);
        assert_eq!(contents(&one.collection), contents(&other.collection));
        let [one, other] = [one, other].map(Place::opened_again);
        assert_eq!(contents(&one.collection), contents(&other.collection));
    }
}

#[test]
fn what_changes_after_it_was_read_is_updated_as_it_is_then() {
    for place in Place::both() {
        insert(&place.collection, &["a", "b"].map(|id| stored(id, 1, "s")));
        let collection = place.collection.clone();
        let updates = vec![
            update_of("a", metadata(r#"{"n":1}"#)),
            update_of("b", text("new")),
            update_of("c", text("new")),
        ];
        let meanwhile = meanwhile("prepare", move || {
            collection.update(WAIT, "a", &data(7)).unwrap();
            let gone = collection.delete_one(WAIT, "b", &Default::default());
            gone.unwrap();
            insert(&collection, &[stored("c", 1, "s")]);
        });
        let found = place.collection.update_many(updates, Some(meanwhile));
        assert_eq!(found.unwrap(), [true, false, true]);
        let place = place.opened_again();
        let a = Stored {
            data: vector(7),
            metadata: Some(r#"{"n":1}"#.into()),
            ..stored("a", 1, "s")
        };
        let c = Stored {
            text: Some("new".into()),
            ..stored("c", 1, "s")
        };
        assert_eq!(contents(&place.collection), [a, c]);
    }
}
