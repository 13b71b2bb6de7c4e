//! Restoring a backup without what a ledger says was erased after it. Most ledgers of these tests
//! are written here, line by line, and not by the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use ring::hmac;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use vectorizer_native::{
    client::{Client, Opening, Options, open_on_disk, open_with, restore_backup},
    collection::{Batch, Config, DeleteOptions},
    error::Error,
    graph::HnswParams,
    storage::{Files, Fsync, KEY, Key, LEDGER, Restored, Source, UserKey},
    vectors::Metric,
};

use crate::{script::*, support::WAIT};

/// A collection's random name.
type Name = [u8; 16];

const SALT: [u8; 16] = [7; 16];
const NAMES: [&str; 3] = ["one", "two", "three"];

fn hexadecimal(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The digest of an id in a ledger.
fn digest(id: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SALT);
    hexadecimal(&hmac::sign(&key, id.as_bytes()).as_ref()[..16])
}

fn written(at: OffsetDateTime) -> String {
    format!(
        "{}T{:02}:{:02}:{:02}.{:03}Z",
        at.date(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
}

/// What is erased in one collection: these ids, or all of it.
struct Part<'a> {
    collection: &'a str,
    id: Name,
    sequence: u64,
    deleted: usize,
    ids: Option<Vec<String>>,
    /// Where they are moved to, if they are.
    to: Option<Name>,
}

/// A ledger that is written by hand.
struct Written {
    text: String,
    entries: u64,
    /// The beginnings that have neither ended nor been undone: their numbers and where they are.
    open: BTreeMap<u64, usize>,
}

impl Written {
    fn new() -> Self {
        let at = written(OffsetDateTime::now_utc());
        let salt = hexadecimal(SALT);
        let text = format!(
            "{{\"ledger\":\"vectorizer-native\",\"version\":1,\
             \"store\":\"6f1c2f2a-1b7e-4c8e-9d55-0f0d6a3b9a11\",\"salt\":\"{salt}\",\"at\":\"{at}\"}}\n"
        );
        Self {
            text,
            entries: 0,
            open: BTreeMap::new(),
        }
    }

    fn line(&mut self, at: OffsetDateTime, kind: &str, rest: &str) -> u64 {
        self.entries += 1;
        let last = self.text.lines().last().unwrap();
        let (number, previous) = (self.entries, hexadecimal(Sha256::digest(last)));
        let open: Vec<String> = self.open.values().map(usize::to_string).collect();
        let open = match open.is_empty() {
            true => String::new(),
            false => format!(",\"open\":[{}]", open.join(",")),
        };
        if kind == "begin" {
            self.open.insert(number, self.text.len());
        }
        let at = written(at);
        writeln!(
            self.text,
            "{{\"entry\":{number},\"previous\":\"{previous}\",\"at\":\"{at}\",\"kind\":\"{kind}\"{open}{rest}}}"
        )
        .unwrap();
        number
    }

    fn begin(&mut self, at: OffsetDateTime, call: &str, parts: &[Part<'_>]) -> u64 {
        let rest = Self::rest(call, parts, true);
        self.line(at, "begin", &rest)
    }

    fn end(&mut self, at: OffsetDateTime, begun: u64, call: &str, parts: &[Part<'_>]) {
        self.open.remove(&begun);
        let rest = Self::rest(call, parts, false);
        self.line(at, "erased", &format!(",\"begin\":{begun}{rest}"));
    }

    fn erased(&mut self, at: OffsetDateTime, call: &str, parts: &[Part<'_>]) {
        let begun = self.begin(at, call, parts);
        self.end(at, begun, call, parts);
    }

    fn undone(&mut self, at: OffsetDateTime, begun: u64) {
        self.open.remove(&begun);
        self.line(at, "undone", &format!(",\"begin\":{begun}"));
    }

    fn renamed(&mut self, id: Name, from: &str, to: &str) {
        let id = hexadecimal(id);
        let rest = format!(",\"collection\":\"{from}\",\"to\":\"{to}\",\"id\":\"{id}\"");
        self.line(OffsetDateTime::now_utc(), "renamed", &rest);
    }

    fn rest(call: &str, parts: &[Part<'_>], with_ids: bool) -> String {
        let of = |part: &Part<'_>| {
            let Part {
                collection,
                sequence,
                deleted,
                ..
            } = part;
            let id = hexadecimal(part.id);
            let which = match &part.ids {
                _ if !with_ids => String::new(),
                None => ",\"all\":true".into(),
                Some(ids) => {
                    let mut ids: Vec<String> = ids.iter().map(|id| digest(id)).collect();
                    ids.sort();
                    // Which numbers they are makes no difference here.
                    let numbers = match ids.len() {
                        1 => "1".into(),
                        count => format!("1-{count}"),
                    };
                    let to = part.to.map(|to| format!(",\"to\":\"{}\"", hexadecimal(to)));
                    let (ids, to) = (ids.concat(), to.unwrap_or_default());
                    format!(",\"numbers\":\"{numbers}\",\"ids\":\"{ids}\"{to}")
                }
            };
            format!(
                "{{\"collection\":\"{collection}\",\"id\":\"{id}\",\"sequence\":{sequence},\
                 \"deleted\":{deleted}{which}}}"
            )
        };
        let collections: Vec<String> = parts.iter().map(of).collect();
        let deleted: usize = parts.iter().map(|part| part.deleted).sum();
        format!(
            ",\"call\":\"{call}\",\"collections\":[{}],\"deleted\":{deleted},\"bytes\":{},\
             \"digest\":\"{}\"",
            collections.join(","),
            100 * deleted,
            hexadecimal(Sha256::digest(deleted.to_le_bytes()))
        )
    }
}

/// The random names of the collections in a store's directory. They are in their key tables, and
/// not sealed.
fn names_in(store: &Path) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(store).unwrap() {
        let directory = entry.unwrap().path();
        let name = directory.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("collection-") {
            continue;
        }
        for file in fs::read_dir(&directory).unwrap() {
            let file = file.unwrap();
            if file.file_name().to_str().unwrap().starts_with("keys.") {
                let bytes = fs::read(file.path()).unwrap();
                found.insert(*bytes[20..].first_chunk().unwrap());
            }
        }
    }
    found
}

#[derive(Debug, Clone)]
enum Step {
    Create(usize),
    Put(usize, Vec<u32>),
    Delete(usize, Vec<u32>),
    Drop(usize),
    Rename(usize, usize),
    Optimize(usize),
}

/// What has happened to a collection since the backup.
#[derive(Debug, Clone, Default)]
struct Since {
    erased: BTreeSet<u32>,
    replaced: BTreeSet<u32>,
    is_dropped: bool,
}

/// A store with its model, and the ledger that it would have.
struct World {
    store: tempfile::TempDir,
    /// Where the backups and what is restored from them are.
    place: tempfile::TempDir,
    session: Session,
    model: Model,
    ledger: Written,
    /// Whether the store keeps one itself, which then counts.
    keeps: bool,
    user: Option<UserKey>,
    /// The collections' random names.
    names: BTreeMap<&'static str, Name>,
    ever: BTreeSet<Name>,
    since: BTreeMap<Name, Since>,
    version: u32,
}

/// A backup with what it has.
struct Taken {
    path: PathBuf,
    model: Model,
    names: BTreeMap<&'static str, Name>,
}

impl World {
    fn new(user: Option<UserKey>, keeps: bool) -> Self {
        let (store, place) = (directory(), directory());
        let files = Files::default();
        let opening = Opening {
            fsync: Some(Fsync::No),
            user: user.clone(),
            ledger: keeps,
            ..Opening::default()
        };
        // The session shares it.
        let _opened = open_with(&files, store.path(), opening).unwrap();
        let session =
            Session::open_with(&files, store.path(), Fsync::No, place.path(), user.as_ref());
        Self {
            session: session.unwrap(),
            store,
            place,
            model: Model::default(),
            ledger: Written::new(),
            keeps,
            user,
            names: BTreeMap::new(),
            ever: BTreeSet::new(),
            since: BTreeMap::new(),
            version: 0,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn ids(&self, name: &str) -> BTreeSet<u32> {
        let all = self.model.collections.get(name).into_iter().flatten();
        all.map(|stored| stored.0).collect()
    }

    fn since(&mut self, name: &str) -> &mut Since {
        self.since.entry(self.names[name]).or_default()
    }

    fn both(&mut self, op: Op) {
        self.session.apply(&op).unwrap();
        self.model.apply(&op);
    }

    /// Does a step unless the store would refuse it. What it erases is written in the ledger.
    fn apply(&mut self, step: &Step) {
        let name = match *step {
            Step::Create(at) | Step::Put(at, _) | Step::Delete(at, _) => NAMES[at],
            Step::Drop(at) | Step::Rename(at, _) | Step::Optimize(at) => NAMES[at],
        };
        if self.names.contains_key(name) == matches!(step, Step::Create(_)) {
            return;
        }
        match step {
            Step::Create(_) => {
                self.both(Op::Create(name));
                let now = names_in(self.store.path());
                let new = now.difference(&self.ever).next().copied().unwrap();
                self.ever.insert(new);
                self.names.insert(name, new);
            }
            Step::Put(_, ids) => {
                let ids: BTreeSet<u32> = ids.iter().copied().collect();
                let mut rows = Vec::new();
                for id in ids {
                    self.version += 1;
                    rows.push((id, self.version));
                    self.since(name).replaced.insert(id);
                }
                self.both(Op::Put(name, rows));
            }
            Step::Delete(_, ids) => self.delete(name, ids),
            Step::Drop(_) => {
                let call = self.session.call();
                let receipt = call.delete_collection(WAIT, name, true, None).unwrap();
                drop(call);
                let part = Part {
                    collection: name,
                    id: self.names[name],
                    sequence: receipt.unwrap().log_sequence,
                    deleted: self.ids(name).len(),
                    ids: None,
                    to: None,
                };
                let now = OffsetDateTime::now_utc();
                self.ledger.erased(now, "deleteCollection", &[part]);
                self.since(name).is_dropped = true;
                self.model.apply(&Op::Drop(name));
                self.names.remove(name);
            }
            Step::Rename(_, to) => {
                let to = NAMES[*to];
                if self.names.contains_key(to) {
                    return;
                }
                self.session.call().rename_collection(name, to).unwrap();
                let id = self.names.remove(name).unwrap();
                self.names.insert(to, id);
                self.ledger.renamed(id, name, to);
                let stored = self.model.collections.remove(name).unwrap();
                self.model.collections.insert(to, stored);
            }
            Step::Optimize(_) => self.both(Op::Optimize(name)),
        }
    }

    fn delete(&mut self, name: &'static str, ids: &[u32]) {
        let there = self.ids(name);
        let erased: Vec<u32> = there.into_iter().filter(|id| ids.contains(id)).collect();
        if erased.is_empty() {
            return;
        }
        let options = DeleteOptions {
            receipt: true,
            ..DeleteOptions::default()
        };
        let texts: Vec<String> = erased.iter().copied().map(id).collect();
        let call = self.session.call();
        let collection = call.collection(name).unwrap();
        let deletion = collection.delete_many(WAIT, &texts, &options).unwrap();
        drop((collection, call));
        let part = Part {
            collection: name,
            id: self.names[name],
            sequence: deletion.receipt.unwrap().log_sequence,
            deleted: erased.len(),
            ids: Some(texts),
            to: None,
        };
        let now = OffsetDateTime::now_utc();
        self.ledger.erased(now, "batchDelete", &[part]);
        self.since(name).erased.extend(&erased);
        self.model.apply(&Op::DeleteMany(name, erased));
    }

    fn back_up(&mut self, name: &str, apart: bool) -> Taken {
        let path = self.file(name);
        let call = self.session.call();
        let made = call.create_backup(&path, None, apart, &mut |_| ()).unwrap();
        // The files of a full backup alone never say what a ledger has left out.
        assert_eq!(made.backup.left_out, None);
        self.since.clear();
        Taken {
            path,
            model: self.model.clone(),
            names: self.names.clone(),
        }
    }

    /// Restores a backup with the ledger as it is now.
    fn restore(
        &self,
        taken: &Taken,
        to: &str,
        keys: Option<&Path>,
    ) -> Result<(PathBuf, Restored), Error> {
        let (mut ledger, to) = (self.file("ledger"), self.file(to));
        match self.keeps {
            true => ledger = self.store.path().to_owned(),
            false => fs::write(&ledger, &self.ledger.text).unwrap(),
        }
        let source = Source {
            user: self.user.as_ref(),
            keys,
            ..Source::default()
        };
        let restored = restore_backup(&taken.path, &to, source, Some(&ledger), &mut |_, _| ())?;
        Ok((to, restored))
    }

    /// Checks that a restored store is what `expected` says, and has nothing else in its files.
    fn check(&self, path: &Path, restored: &Restored, expected: &Model) {
        let vectors: usize = expected.collections.values().map(Vec::len).sum();
        assert_eq!(restored.vectors, vectors as u64);
        assert_eq!(restored.collections, expected.collections.len() as u64);
        let names = names_in(path);
        assert_eq!(names.len(), expected.collections.len());
        assert!(names.is_disjoint(&self.ever), "random names come back");
        assert!(!path.join(LEDGER).exists());
        let files = Files::default();
        let gone = expected.gone(&self.model);
        assert_eq!(residues(path, &gone), Vec::<String>::new());
        let opened = Session::open_with(
            &files,
            path,
            Fsync::No,
            self.place.path(),
            self.user.as_ref(),
        );
        let opened = opened.unwrap();
        assert_eq!(opened.difference(expected), None);
        opened.close().unwrap();
        assert_eq!(residues(path, &gone), Vec::<String>::new());
    }

    /// What is left of a backup after what has happened since, and how many vectors are not. If its
    /// keys are those of the store, what was replaced since has none either.
    fn left_of(&self, taken: &Taken, without_replaced: bool) -> (Model, u64) {
        let (mut expected, mut left_out) = (taken.model.clone(), 0);
        for (name, random) in &taken.names {
            let since = self.since.get(random).cloned().unwrap_or_default();
            let is_gone = |id: &u32| {
                since.is_dropped
                    || since.erased.contains(id)
                    || (without_replaced && since.replaced.contains(id))
            };
            let stored = expected.collections.get_mut(name).unwrap();
            let before = stored.len();
            stored.retain(|stored| !is_gone(&stored.0));
            left_out += (before - stored.len()) as u64;
            if since.is_dropped {
                expected.collections.remove(name);
            }
        }
        (expected, left_out)
    }
}

fn user(number: u8) -> UserKey {
    UserKey {
        key: Key::from([number; KEY]),
        wrapped: Vec::new(),
    }
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let collection = || 0..NAMES.len();
    let ids = || prop::collection::vec(0..10u32, 1..6);
    let step = prop_oneof![
        2 => collection().prop_map(Step::Create),
        6 => (collection(), ids()).prop_map(|(at, ids)| Step::Put(at, ids)),
        5 => (collection(), ids()).prop_map(|(at, ids)| Step::Delete(at, ids)),
        1 => collection().prop_map(Step::Drop),
        2 => (collection(), collection()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => collection().prop_map(Step::Optimize),
    ];
    prop::collection::vec(step, 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 150,
        ..Default::default()
    })]

    #[test]
    fn what_is_restored_with_a_ledger_is_the_backup_without_what_was_erased_since(
        before in steps(20), after in steps(20), apart: bool, encrypted: bool, keeps: bool,
    ) {
        let mut world = World::new(encrypted.then(|| user(1)), keeps);
        for at in 0..2 {
            world.apply(&Step::Create(at));
            world.apply(&Step::Put(at, (0..6).collect()));
        }
        for step in &before {
            world.apply(step);
        }
        let taken = world.back_up("backup", apart);
        for step in &after {
            world.apply(step);
        }

        let keys = apart.then(|| world.file("backup.keys"));
        let (expected, left_out) = world.left_of(&taken, false);
        let (to, restored) = world.restore(&taken, "restored", keys.as_deref()).unwrap();
        assert_eq!(restored.left_out, Some(left_out));
        assert_eq!(restored.erased, apart.then_some(0).filter(|_| !taken.names.is_empty()));
        world.check(&to, &restored, &expected);

        if apart {
            // What was erased has no key in the store: it is counted once.
            let (expected, erased) = world.left_of(&taken, true);
            let keys = Some(world.store.path());
            let (to, restored) = world.restore(&taken, "newest", keys).unwrap();
            assert_eq!(restored.left_out, Some(0));
            assert_eq!(restored.erased.unwrap_or(0), erased);
            world.check(&to, &restored, &expected);
        }
    }
}

/// A world with ten vectors in `one`.
fn ten() -> World {
    let mut world = World::new(None, false);
    world.apply(&Step::Create(0));
    world.apply(&Step::Put(0, (0..10).collect()));
    world
}

fn one(ids: impl IntoIterator<Item = u32>, name: &str, random: Name, sequence: u64) -> Part<'_> {
    let ids: Vec<String> = ids.into_iter().map(id).collect();
    Part {
        collection: name,
        id: random,
        sequence,
        deleted: ids.len(),
        ids: Some(ids),
        to: None,
    }
}

#[test]
fn what_was_erased_before_a_backup_and_inserted_again_is_restored() {
    let mut world = ten();
    world.apply(&Step::Delete(0, vec![1, 2, 3]));
    world.apply(&Step::Put(0, vec![2, 3]));
    let taken = world.back_up("backup", false);
    world.apply(&Step::Delete(0, vec![3]));
    // What was inserted again after the backup is not the erased vector either.
    world.apply(&Step::Put(0, vec![3]));
    let (to, restored) = world.restore(&taken, "to", None).unwrap();
    assert_eq!((restored.vectors, restored.left_out), (8, Some(1)));
    let (expected, _) = world.left_of(&taken, false);
    world.check(&to, &restored, &expected);
}

#[test]
fn without_a_ledger_a_backup_is_restored_as_it_is_and_nothing_is_left_out() {
    let mut world = ten();
    let taken = world.back_up("backup", false);
    world.apply(&Step::Delete(0, vec![3]));
    let to = world.file("to");
    let source = Source::default();
    let restored = restore_backup(&taken.path, &to, source, None, &mut |_, _| ()).unwrap();
    assert_eq!(restored.left_out, None);
    world.check(&to, &restored, &taken.model);
}

#[test]
fn a_collection_that_was_renamed_since_is_the_same_and_keeps_its_name_of_then() {
    let mut world = ten();
    let taken = world.back_up("backup", false);
    world.apply(&Step::Rename(0, 1));
    world.apply(&Step::Delete(1, vec![5]));
    // Another one has its name now, and what is erased there is not of this one.
    world.apply(&Step::Create(0));
    world.apply(&Step::Put(0, vec![6]));
    world.apply(&Step::Delete(0, vec![6]));
    world.apply(&Step::Drop(0));
    let (to, restored) = world.restore(&taken, "to", None).unwrap();
    assert_eq!((restored.vectors, restored.left_out), (9, Some(1)));
    let (expected, _) = world.left_of(&taken, false);
    assert!(expected.collections.keys().eq([&"one"]));
    world.check(&to, &restored, &expected);
}

#[test]
fn a_collection_that_was_deleted_since_is_left_out_even_if_there_is_another_with_its_name() {
    let mut world = ten();
    let first = world.back_up("first", false);
    world.apply(&Step::Drop(0));
    world.apply(&Step::Create(0));
    world.apply(&Step::Put(0, vec![4, 5]));
    let second = world.back_up("second", false);
    let (to, restored) = world.restore(&first, "to-first", None).unwrap();
    assert_eq!((restored.vectors, restored.collections), (0, 0));
    assert_eq!(restored.left_out, Some(10));
    world.check(&to, &restored, &Model::default());
    // The new one is whole.
    let (to, restored) = world.restore(&second, "to-second", None).unwrap();
    assert_eq!(restored.left_out, Some(0));
    world.check(&to, &restored, &second.model);
}

/// The random name of a collection in a store that has written the ledger, and not the backup.
const OTHER: Name = [9; 16];

#[test]
fn of_another_store_s_collection_with_the_same_name_what_was_erased_later_is_left_out() {
    let mut world = ten();
    let before = OffsetDateTime::now_utc() - Duration::seconds(1);
    let taken = world.back_up("backup", false);
    let after = OffsetDateTime::now_utc() + Duration::seconds(1);
    // Sequence numbers of another store say nothing.
    for (at, ids, name, random) in [
        (before, [1, 2], "one", OTHER),
        (after, [2, 3], "one", OTHER),
        (after, [4, 5], "two", [10; 16]),
    ] {
        let parts = [one(ids, name, random, 1)];
        world.ledger.erased(at, "deleteByFilter", &parts);
    }
    let (to, restored) = world.restore(&taken, "to", None).unwrap();
    assert_eq!((restored.vectors, restored.left_out), (8, Some(2)));
    let mut expected = taken.model.clone();
    expected.apply(&Op::DeleteMany("one", vec![2, 3]));
    world.check(&to, &restored, &expected);
    // A whole collection as well; before the backup, it was another one.
    let all = |random| Part {
        collection: "one",
        id: random,
        sequence: 9,
        deleted: 3,
        ids: None,
        to: None,
    };
    for (at, random, left_out) in [(before, [11; 16], 2), (after, OTHER, 10)] {
        let parts = [all(random)];
        world.ledger.erased(at, "deleteCollection", &parts);
        let to = format!("to-{left_out}");
        let (_, restored) = world.restore(&taken, &to, None).unwrap();
        assert_eq!(restored.left_out, Some(left_out));
    }
}

#[test]
fn a_backup_of_a_store_in_memory_is_matched_by_the_names_of_its_collections() {
    let client = Client::open(Options::default());
    let call = client.begin().unwrap();
    let collection = call
        .create_collection(Config {
            name: "one".into(),
            dimension: 2,
            metric: Metric::Euclidean,
            hnsw: HnswParams::default(),
            description: None,
        })
        .unwrap();
    let batch = Batch {
        ids: (0..4).map(|number| Some(id(number))).collect(),
        data: vec![1.0; 8],
        lengths: vec![2],
        ..Batch::default()
    };
    let mut batch = collection.prepare(batch).unwrap();
    collection.insert(WAIT, &mut batch).unwrap();
    let place = directory();
    let file = |name: &str| place.path().join(name);
    call.create_backup(&file("backup"), None, false, &mut |_| ())
        .unwrap();
    let mut ledger = Written::new();
    let after = OffsetDateTime::now_utc() + Duration::seconds(1);
    ledger.erased(after, "deleteVector", &[one([2], "one", OTHER, 7)]);
    // The ledger is given as the directory of its store.
    fs::write(file(LEDGER), &ledger.text).unwrap();
    let (source, ledger) = (Source::default(), Some(place.path()));
    let restored = restore_backup(&file("backup"), &file("to"), source, ledger, &mut |_, _| ());
    let restored = restored.unwrap();
    assert_eq!((restored.vectors, restored.left_out), (3, Some(1)));
    let opened = open_on_disk(&Files::default(), &file("to"), None, None).unwrap();
    let client = Client::of(opened);
    let collection = client.begin().unwrap().collection("one").unwrap();
    let page = collection.list(0, usize::MAX).unwrap();
    let ids: Vec<&str> = page.vectors.iter().map(|item| &*item.id).collect();
    assert_eq!(ids, [id(0), id(1), id(3)]);
}

#[test]
fn what_may_have_been_erased_is_left_out_and_what_was_undone_or_moved_is_not() {
    let mut world = ten();
    let taken = world.back_up("backup", false);
    let (random, now) = (world.names["one"], OffsetDateTime::now_utc());
    let part = |number: u32| [one([number], "one", random, 100 + u64::from(number))];
    let undone = world.ledger.begin(now, "deleteVector", &part(1));
    let unfinished = world.ledger.begin(now, "deleteVector", &part(2));
    world.ledger.undone(now, undone);
    let moved = part(3).map(|part| Part {
        to: Some([7; 16]),
        ..part
    });
    world.ledger.erased(now, "moveToCollection", &moved);
    for (number, call) in (4..).zip(["forget", "replace", "expiry", "cleanupEmptyCollections"]) {
        world.ledger.erased(now, call, &part(number));
    }
    assert!(world.ledger.open.keys().eq([&unfinished]));
    let (to, restored) = world.restore(&taken, "to", None).unwrap();
    let mut expected = taken.model.clone();
    expected.apply(&Op::DeleteMany("one", vec![2, 4, 5, 6, 7]));
    assert_eq!(restored.left_out, Some(5));
    world.check(&to, &restored, &expected);
}

#[test]
fn of_the_backup_that_a_delete_makes_nothing_is_restored_with_the_ledger_that_has_the_delete() {
    let mut world = ten();
    let backup = world.file("backup");
    let options = DeleteOptions {
        backup: Some(backup.clone()),
        receipt: true,
        ..DeleteOptions::default()
    };
    let call = world.session.call();
    let collection = call.collection("one").unwrap();
    let ids = [id(3), id(4)];
    let deletion = collection.delete_many(WAIT, &ids, &options).unwrap();
    drop((collection, call));
    let sequence = deletion.receipt.unwrap().log_sequence;
    let parts = [one([3, 4], "one", world.names["one"], sequence)];
    let taken = Taken {
        path: backup,
        model: Model::default(),
        names: BTreeMap::new(),
    };
    let (_, restored) = world.restore(&taken, "whole", None).unwrap();
    assert_eq!((restored.vectors, restored.left_out), (2, Some(0)));
    let now = OffsetDateTime::now_utc();
    world.ledger.erased(now, "batchDelete", &parts);
    let (to, restored) = world.restore(&taken, "to", None).unwrap();
    assert_eq!((restored.vectors, restored.left_out), (0, Some(2)));
    assert_eq!(restored.collections, 1);
    let everything = Model::default().gone(&world.model);
    assert_eq!(residues(&to, &everything), Vec::<String>::new());
}

#[test]
fn every_call_that_erases_is_in_the_store_s_own_ledger_and_a_move_is_not_an_erasure() {
    let mut world = World::new(None, true);
    world.apply(&Step::Create(0));
    world.apply(&Step::Create(1));
    world.both(Op::Put(
        "one",
        (0..20).map(|number| (number, number)).collect(),
    ));
    let taken = world.back_up("backup", false);
    for op in [
        Op::DeleteOne("one", 1),
        Op::DeleteMatching("one", 2),
        // Also changes one that it keeps.
        Op::Replace("one", 3, vec![(3, 103)]),
        Op::Forget(0),
        Op::Move("one", "two", vec![5], true),
        Op::Data("one", 9, 109),
        Op::DeleteMany("one", vec![13, 1000]),
    ] {
        world.both(op);
    }
    let (to, restored) = world.restore(&taken, "to", None).unwrap();
    let mut expected = taken.model.clone();
    let kept = [3, 5, 9, 17];
    let erased: Vec<u32> = (0..20).filter(|number| !kept.contains(number)).collect();
    assert_eq!(restored.left_out, Some(erased.len() as u64));
    expected.apply(&Op::DeleteMany("one", erased));
    world.check(&to, &restored, &expected);
}

#[test]
fn with_a_ledger_that_is_damaged_or_missing_nothing_is_restored() {
    let mut world = ten();
    let taken = world.back_up("backup", false);
    world.apply(&Step::Delete(0, vec![1]));
    world.apply(&Step::Delete(0, vec![2]));
    let ledger = world.file("ledger");
    let to = world.file("to");
    let restore = |ledger: &Path| {
        let source = Source::default();
        let restored = restore_backup(&taken.path, &to, source, Some(ledger), &mut |_, _| ());
        if restored.is_err() {
            assert!(!to.exists());
        }
        let _ = fs::remove_dir_all(&to);
        restored
    };
    let refused = |ledger: &Path| match restore(ledger) {
        Err(Error::Storage(why)) => why,
        other => panic!("{}: {other:?}", ledger.display()),
    };
    let whole = world.ledger.text.as_bytes();
    fs::write(&ledger, whole).unwrap();
    assert_eq!(restore(&ledger).unwrap().left_out, Some(2));
    // No later line has the hash of the last one.
    let last = world.ledger.text.trim_end().rfind('\n').unwrap();
    let mut random = crate::support::Random(3);
    for at in 0..=last {
        let mut changed = whole.to_vec();
        changed[at] ^= 1 << random.below(8);
        fs::write(&ledger, &changed).unwrap();
        refused(&ledger);
    }
    // A line is missing.
    let mut lines: Vec<&str> = world.ledger.text.lines().collect();
    lines.remove(2);
    fs::write(&ledger, format!("{}\n", lines.join("\n"))).unwrap();
    refused(&ledger);
    fs::write(&ledger, "").unwrap();
    refused(&ledger);
    fs::remove_file(&ledger).unwrap();
    refused(&ledger);
    // A store without a ledger.
    refused(world.store.path());
    let empty = restore(Path::new(""));
    assert!(matches!(empty, Err(Error::Validation(_))), "{empty:?}");
}
