//! What is deleted with `undo` waits on disk. Whatever stops the process, it is in its collection or
//! it waits, never both and never neither; and once it cannot be undeleted, nothing of it is left.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use vectorizer_native::{
    client::{
        Call, Client, Fate, Forgetting, Opening, Selection, Store, Transfer, Undeleted, Which,
        open_with, restore_backup,
    },
    clock::Clock,
    collection::{
        Batch, Collection, Config, DeleteOptions, Guards, Item, Method, Origin, Places,
        ReplaceOptions, Replacement, Residue, ScanOptions, SearchOptions, Undo,
    },
    error::{Error, Result},
    filter::{self, Filter},
    graph::HnswParams,
    storage::{Files, Fsync, KEY, KEYRING, Key, LEDGER, Source, UserKey},
    vectors::{Codes, Metric},
    wiped::Id,
};

use crate::{
    encrypted::copy,
    erasures,
    fault::{Fault, Faults, interruptions},
    power::{Change, each_failure, record},
    room::{on_disk_of, used},
    script::{DIMENSION, directory, id, metadata, residues, row, text},
    support::{Random, WAIT},
};

/// No space left on device; input/output error.
const ERRORS: [i32; 2] = [28, 5];
/// Later than the time of any write: writes have the time of the system.
const START: i64 = 4_000_000_000_000;
const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
/// So long may a test wait for what another thread does soon.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a store is opened.
#[derive(Clone)]
struct How {
    fsync: Fsync,
    ledger: bool,
    user: Option<UserKey>,
    clock: Clock,
}

impl How {
    fn new(ledger: bool) -> Self {
        Self {
            fsync: Fsync::No,
            ledger,
            user: None,
            clock: Clock::manual(START),
        }
    }

    fn open(&self, path: &Path) -> Opened {
        self.open_by(&Files::default(), path).unwrap()
    }

    fn open_by(&self, files: &Files, path: &Path) -> Result<Opened> {
        let opening = Opening {
            fsync: Some(self.fsync),
            user: self.user.clone(),
            clock: self.clock.clone(),
            ledger: self.ledger,
        };
        let store = open_with(files, path, opening)?;
        let client = Client::of(store.clone());
        Ok(Opened {
            call: client.begin()?,
            client,
            store,
        })
    }
}

struct Opened {
    call: Call,
    client: Client,
    store: Arc<Store>,
}

impl Opened {
    fn close(self) -> Result<()> {
        drop((self.call, self.store));
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(self.client.close())
    }
}

fn config(name: &str, metric: Metric) -> Config {
    Config {
        name: name.into(),
        dimension: DIMENSION,
        metric,
        hnsw: HnswParams::default(),
        description: None,
    }
}

/// Creates a collection with vectors of these numbers.
fn create(call: &Call, name: &str, numbers: impl IntoIterator<Item = u32>) -> Arc<Collection> {
    let made = call.create_collection(config(name, Metric::Euclidean));
    let made = made.unwrap();
    put(&made, numbers, None);
    made
}

fn put(collection: &Arc<Collection>, numbers: impl IntoIterator<Item = u32>, own: Option<i64>) {
    let numbers: Vec<u32> = numbers.into_iter().collect();
    let all = || numbers.iter().copied();
    let batch = Batch {
        ids: all().map(|number| Some(id(number))).collect(),
        data: all().flat_map(row).collect(),
        lengths: vec![DIMENSION as u32],
        metadata: all().map(|number| Some(metadata(number).into())).collect(),
        texts: all().map(|number| Some(text(number).into())).collect(),
        expires_at: vec![own; numbers.len()],
        ..Batch::default()
    };
    let mut prepared = collection.prepare(batch).unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
}

fn ids(numbers: &[u32]) -> Vec<String> {
    numbers.iter().copied().map(id).collect()
}

fn of_rest(rest: u32) -> Filter {
    filter::parse_text(&format!("{{\"rest\":{rest}}}")).unwrap()
}

/// The collection, with a bin, and how to delete for now in it.
fn for_now(call: &Call, name: &str, period: i64) -> Result<(Arc<Collection>, DeleteOptions)> {
    let collection = call.collection(name)?;
    call.make_bin(WAIT, &collection, Some(period))?;
    let options = DeleteOptions {
        undo: Some(period),
        reason: Some("by mistake".into()),
        ..DeleteOptions::default()
    };
    Ok((collection, options))
}

fn delete(call: &Call, name: &str, numbers: &[u32], period: i64) -> Result<Option<Undo>> {
    let (collection, options) = for_now(call, name, period)?;
    let deleted = collection.delete_many(WAIT, &ids(numbers), &options)?;
    Ok(deleted.undo)
}

/// Undeletes, and returns how many vectors that were.
fn undelete(call: &Call, name: &str, which: Which) -> Result<usize> {
    match call.undelete(name, which, None)? {
        Undeleted::Vectors(done) => {
            let done = done.results.iter().filter(|(_, fate)| *fate == Fate::Done);
            Ok(done.count())
        }
        Undeleted::Collection(_) => panic!("a collection comes back"),
    }
}

fn undelete_ids(call: &Call, name: &str, numbers: &[u32]) -> Result<usize> {
    undelete(call, name, Which::Ids(ids(numbers)))
}

fn undelete_collection(call: &Call, name: &str) -> Result<()> {
    let undeleted = call.undelete(name, Which::Token(token_of(call, name)), None)?;
    assert!(matches!(undeleted, Undeleted::Collection(_)), "{name}");
    Ok(())
}

fn purge(call: &Call, name: &str, numbers: &[u32]) -> Result<usize> {
    let which = Some(Which::Ids(ids(numbers)));
    let purged = call.purge_deleted(name, which, false, Some("for good"))?;
    Ok(purged.vectors)
}

/// Purges a collection that waits.
fn purge_collection(call: &Call, name: &str) -> Result<()> {
    let which = Some(Which::Token(token_of(call, name)));
    call.purge_deleted(name, which, false, Some("for good"))
        .map(drop)
}

/// The token of the collection that waits and had this name.
fn token_of(call: &Call, name: &str) -> String {
    let list = call.list_deleted(None, 0, 1000).unwrap().collections;
    let found = list.into_iter().find(|one| one.name == name);
    found.unwrap().token
}

fn drop_for_now(call: &Call, name: &str, period: i64) -> Result<Undo> {
    call.delete_collection_for_now(name, period, Some("by mistake".into()))
}

/// The ids of what waits in a collection, in the order in which it was deleted.
fn waiting(call: &Call, name: &str) -> Vec<String> {
    let list = call.list_deleted(Some(name), 0, 1000).unwrap();
    assert_eq!(list.total, list.vectors.len());
    list.vectors.iter().map(|one| one.id.to_string()).collect()
}

/// What a list shows.
fn listed(call: &Call, name: &str) -> Vec<Item> {
    let collection = call.collection(name).unwrap();
    collection.list(0, usize::MAX).unwrap().vectors
}

fn listed_ids(call: &Call, name: &str) -> Vec<String> {
    let items = listed(call, name);
    items.iter().map(|item| item.id.to_string()).collect()
}

/// Whatever is in a file of one of these vectors, in the form of a collection or in that of a bin.
fn traces(numbers: impl IntoIterator<Item = u32>) -> Vec<(String, Vec<u8>)> {
    let mut traces = Vec::new();
    for number in numbers {
        let row = row(number);
        let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
        let codes = Codes::of(&row, DIMENSION);
        let code: Vec<u8> = codes.get(0).0.iter().map(|&value| value as u8).collect();
        let encoded = STANDARD.encode(&bytes).into_bytes();
        for (what, bytes) in [("row", bytes), ("code", code), ("written row", encoded)] {
            let (begin, end) = (&bytes[..16], &bytes[bytes.len() - 16..]);
            traces.push((format!("the beginning of {what} {number}"), begin.to_vec()));
            traces.push((format!("the end of {what} {number}"), end.to_vec()));
        }
        for (what, text) in [
            ("id", id(number)),
            ("metadata", metadata(number)),
            ("text", text(number)),
        ] {
            traces.push((format!("{what} {number}"), text.into_bytes()));
        }
    }
    traces
}

fn found(path: &Path, numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    residues(path, &traces(numbers))
}

fn directories(store: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(store).unwrap();
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    all.sort();
    all
}

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn residue_ids(residues: &[Residue]) -> Vec<&str> {
    let ids = residues.iter().map(|residue| residue.id.as_deref());
    ids.map(Option::unwrap_or_default).collect()
}

/// No read finds any of these.
fn are_in_no_read(collection: &Arc<Collection>, gone: &[Item], left: usize) {
    let info = collection.info(WAIT).unwrap();
    assert_eq!(info.vectors, left);
    assert_eq!(collection.count(WAIT, None).unwrap(), left);
    let page = collection.list(0, usize::MAX).unwrap();
    assert_eq!((page.total, page.vectors.len()), (left, left));
    let scanned = collection.scan(&ScanOptions {
        cursor: None,
        limit: 1000,
        filter: None,
        with_vector: false,
        with_metadata: false,
    });
    let mut found: Vec<Item> = scanned.unwrap().vectors;
    assert_eq!(found.len(), left);
    found.extend(page.vectors);
    for item in gone {
        let missing = collection.get(WAIT, &item.id);
        assert!(matches!(missing, Err(Error::VectorNotFound { .. })));
        let query = item.data.clone().unwrap();
        for method in [Method::Cheapest, Method::Walk, Method::Scan] {
            let options = SearchOptions {
                limit: 1000,
                method,
                ..SearchOptions::default()
            };
            found.extend(collection.search(query.clone(), &options).unwrap());
        }
    }
    let options = SearchOptions {
        limit: 1000,
        ..SearchOptions::default()
    };
    found.extend(collection.search_unranked(&options).unwrap());
    let is_gone = |item: &Item| gone.iter().any(|one| one.id == item.id);
    assert!(!found.iter().any(is_gone));
}

/// Vectors of all kinds: with and without each part, with values and texts that are easily changed
/// on the way.
fn put_all_kinds(collection: &Arc<Collection>) {
    let texts = [
        None,
        Some(""),
        Some("\n-1,-1,-1,-1\n,"),
        Some("häßlich \u{1f642}\u{0}\r\n"),
        None,
        Some("plain"),
        None,
        Some("with an expiry"),
    ];
    let metadata = [
        None,
        None,
        Some(r#"{"a":"\n12,13\n"}"#),
        Some(r#"{ "n" : 1.50, "ü": [null, {"b": 1e3}] }"#),
        Some("{}"),
        None,
        None,
        Some(r#"{"a":7}"#),
    ];
    let mut data: Vec<f32> = (0..8).flat_map(row).collect();
    let odd = [-0.0, f32::from_bits(1), -f32::MIN_POSITIVE, 1e-30, 3.0e10];
    data[4 * DIMENSION..][..odd.len()].copy_from_slice(&odd);
    let own = |number| (number == 7).then_some(START + 10 * HOUR);
    let batch = Batch {
        ids: (0..8)
            .map(|number| Some(format!("the \"{number}\",\n")))
            .collect(),
        data,
        lengths: vec![DIMENSION as u32],
        metadata: metadata.map(|text| text.map(Into::into)).to_vec(),
        texts: texts.map(|text| text.map(Into::into)).to_vec(),
        expires_at: (0..8).map(own).collect(),
        ..Batch::default()
    };
    let mut prepared = collection.prepare(batch).unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
}

/// With the values bit for bit.
fn exactly(items: &[Item]) -> Vec<(Vec<u32>, Item)> {
    let bits = |item: &Item| {
        item.data
            .iter()
            .flatten()
            .map(|value| value.to_bits())
            .collect()
    };
    items
        .iter()
        .map(|item| (bits(item), item.clone()))
        .collect()
}

#[test]
fn what_is_deleted_with_undo_is_in_no_read_and_comes_back_as_it_was_also_after_reopening() {
    for (metric, ledger, ttl) in [
        (Metric::Euclidean, false, Some(4 * 3600)),
        (Metric::Cosine, true, Some(4 * 3600)),
        (Metric::DotProduct, false, None),
    ] {
        let store = directory();
        let how = How::new(ledger);
        let opened = how.open(store.path());
        let call = &opened.call;
        let collection = call.create_collection(config("a", metric)).unwrap();
        collection.set_ttl(WAIT, ttl).unwrap();
        put_all_kinds(&collection);
        how.clock.advance(100 * SECOND);
        let before = listed(call, "a");
        let by_ttl = ttl.map(|seconds| START + i64::from(seconds) * SECOND);
        assert_eq!(before[0].expires_at, by_ttl);
        let deleted: Vec<String> = [7, 3, 0, 4, 2, 1]
            .map(|at: usize| before[at].id.to_string())
            .to_vec();
        let (_, options) = for_now(call, "a", HOUR).unwrap();
        let done = collection.delete_many(WAIT, &deleted, &options).unwrap();
        let undo = done.undo.unwrap();
        assert_eq!(undo.until, START + 100 * SECOND + HOUR);
        drop(collection);

        let mut opened = opened;
        for _ in 0..2 {
            let call = &opened.call;
            let collection = call.collection("a").unwrap();
            let gone: Vec<Item> = before
                .iter()
                .filter(|item| deleted.contains(&item.id.to_string()))
                .cloned()
                .collect();
            are_in_no_read(&collection, &gone, 2);
            assert_eq!(collection.info(WAIT).unwrap().undoable, 6);
            let list = call.list_deleted(Some("a"), 0, 1000).unwrap();
            assert!(list.collections.is_empty());
            assert_eq!(list.total, 6);
            for (one, item) in list.vectors.iter().zip(&gone) {
                assert_eq!(one.id, item.id);
                assert_eq!(one.metadata.as_deref(), item.metadata.as_deref());
                assert_eq!((&one.token, one.until), (&undo.token, undo.until));
                assert_eq!(one.deleted_at, START + 100 * SECOND);
            }
            let left = collection.verify_erased(&deleted).unwrap();
            let mut told = residue_ids(&left);
            told.sort_unstable();
            let mut expected: Vec<&str> = deleted.iter().map(|id| &**id).collect();
            expected.sort_unstable();
            assert_eq!(told, expected);
            drop(collection);
            opened.close().unwrap();
            how.clock.advance(100 * SECOND);
            opened = how.open(store.path());
        }

        let call = &opened.call;
        let token = Which::Token(undo.token.clone());
        assert_eq!(undelete(call, "a", token).unwrap(), 6);
        // In the order in which they were deleted, behind the others.
        let mut expected: Vec<Item> = before.clone();
        expected.sort_by_key(|item| deleted.contains(&item.id.to_string()));
        assert_eq!(exactly(&listed(call, "a")), exactly(&expected));
        opened.close().unwrap();
        let opened = how.open(store.path());
        let call = &opened.call;
        assert_eq!(exactly(&listed(call, "a")), exactly(&expected));
        assert_eq!(waiting(call, "a"), Vec::<String>::new());
        let collection = call.collection("a").unwrap();
        let bin = collection.bin().unwrap();
        assert_eq!(bin.verify_erased(&deleted).unwrap(), []);
        // The TTL counts from when they were inserted.
        how.clock.advance(4 * HOUR);
        let left = if ttl.is_some() { 1 } else { 8 };
        assert_eq!(collection.count(WAIT, None).unwrap(), left);
        drop((collection, bin));
        opened.close().unwrap();
    }
}

/// A store with vectors that wait in `a`, and a collection `b` that waits, with one in its bin. Of
/// `a`, 3 has an expiry of its own after half an hour, 6 can be undeleted for two hours, the others and
/// `b` for one.
fn with_things_waiting(call: &Call) {
    let a = create(call, "a", [1, 2, 5, 6]);
    put(&a, [3], Some(START + HOUR / 2));
    create(call, "b", [10, 11, 12]);
    delete(call, "a", &[1, 2, 3], HOUR).unwrap();
    delete(call, "a", &[6], 2 * HOUR).unwrap();
    delete(call, "b", &[12], 5 * HOUR).unwrap();
    drop_for_now(call, "b", HOUR).unwrap();
}

#[test]
fn what_can_no_longer_be_undeleted_is_erased_by_itself() {
    for ledger in [false, true] {
        let store = directory();
        let how = How::new(ledger);
        let opened = how.open(store.path());
        let call = &opened.call;
        with_things_waiting(call);
        let erased = |what: &[u32]| {
            eventually("it is not erased", || {
                found(store.path(), what.iter().copied()).is_empty()
            });
            let a = call.collection("a").unwrap();
            let here = [1, 2, 3].map(id).to_vec();
            let left = a.verify_erased(&here).unwrap();
            let gone = ids(what);
            assert!(
                left.iter()
                    .all(|one| !gone.contains(one.id.as_ref().unwrap()))
            );
        };
        how.clock.advance(HOUR / 2 - 1);
        assert_eq!(waiting(call, "a"), ids(&[1, 2, 3, 6]));
        how.clock.advance(1);
        assert_eq!(waiting(call, "a"), ids(&[1, 2, 6]));
        assert_eq!(undelete_ids(call, "a", &[3]).unwrap(), 0);
        erased(&[3]);
        how.clock.advance(HOUR / 2);
        assert_eq!(waiting(call, "a"), ids(&[6]));
        assert_eq!(
            call.list_deleted(None, 0, 1000).unwrap().collections.len(),
            0
        );
        assert_eq!(undelete_ids(call, "a", &[1, 2, 3]).unwrap(), 0);
        assert_eq!(purge(call, "a", &[1, 2, 3]).unwrap(), 0);
        erased(&[1, 2, 3, 10, 11, 12]);
        // The collections and the bin of one of them.
        eventually("files are left", || directories(store.path()).len() == 2);
        let a = call.collection("a").unwrap();
        assert_eq!(a.verify_erased(&ids(&[1, 2, 3])).unwrap(), []);
        drop(a);
        assert_eq!(undelete_ids(call, "a", &[6]).unwrap(), 1);
        assert_eq!(listed_ids(call, "a"), ids(&[5, 6]));
        opened.close().unwrap();
    }
}

#[test]
fn what_can_no_longer_be_undeleted_when_the_store_is_opened_is_erased_before_anybody_reads() {
    for (ledger, after) in [(false, 1), (true, 1), (false, 10), (true, 10)] {
        let store = directory();
        let how = How::new(ledger);
        let opened = how.open(store.path());
        with_things_waiting(&opened.call);
        opened.close().unwrap();
        assert!(!found(store.path(), [1, 2, 3, 10, 11, 12]).is_empty());
        how.clock.advance(after * HOUR);
        let opened = how.open(store.path());
        let call = &opened.call;
        let mut gone = vec![1, 2, 3, 10, 11, 12];
        gone.extend((after > 1).then_some(6));
        assert_eq!(
            found(store.path(), gone.iter().copied()),
            Vec::<String>::new()
        );
        assert_eq!(directories(store.path()).len(), 2);
        let a = call.collection("a").unwrap();
        assert_eq!(a.verify_erased(&ids(&gone)).unwrap(), []);
        assert_eq!(listed_ids(call, "a"), ids(&[5]));
        assert_eq!(waiting(call, "a").len(), usize::from(after == 1));
        let b = call.collection("b");
        assert!(matches!(b, Err(Error::CollectionNotFound(_))));
        drop((a, b));
        opened.close().unwrap();
        if ledger {
            erasures::read(store.path());
        }
    }
}

#[test]
fn what_expires_in_a_collection_that_waits_is_erased_and_the_rest_comes_back() {
    for closed in [false, true] {
        let store = directory();
        let how = How::new(closed);
        let mut opened = how.open(store.path());
        let b = create(&opened.call, "b", [1, 2]);
        put(&b, [3], Some(START + HOUR));
        drop(b);
        drop_for_now(&opened.call, "b", 2 * HOUR).unwrap();
        if closed {
            opened.close().unwrap();
            how.clock.advance(HOUR);
            opened = how.open(store.path());
        } else {
            how.clock.advance(HOUR);
        }
        eventually("it is not erased", || found(store.path(), [3]).is_empty());
        let list = opened.call.list_deleted(None, 0, 1000).unwrap().collections;
        assert_eq!((list[0].vectors, list[0].until), (2, START + 2 * HOUR));
        undelete_collection(&opened.call, "b").unwrap();
        assert_eq!(listed_ids(&opened.call, "b"), ids(&[1, 2]));
        opened.close().unwrap();
    }
}

/// Where a collection is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    There,
    /// It can be undeleted until then.
    Waits(i64),
    Gone,
}

/// A collection, with the numbers of its vectors, and of those that wait, until when they do.
#[derive(Debug, Clone, PartialEq)]
struct One {
    place: Place,
    here: BTreeSet<u32>,
    waits: BTreeMap<u32, i64>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Put(&'static str, &'static [u32]),
    DeleteOne(&'static str, u32),
    Delete(&'static str, &'static [u32]),
    /// Everything whose metadata has this remainder.
    DeleteMatching(&'static str, u32),
    /// Everything with this remainder, by this number.
    Replace(&'static str, u32, u32),
    Undelete(&'static str, &'static [u32]),
    Purge(&'static str, &'static [u32]),
    Drop(&'static str),
    Undrop(&'static str),
    PurgeDropped(&'static str),
    /// Closes the store, and opens it after this time.
    Reopen(i64),
}

#[derive(Debug, Clone, PartialEq)]
struct Model {
    collections: BTreeMap<&'static str, One>,
    /// Every number there ever was.
    ever: BTreeSet<u32>,
}

impl Model {
    /// The time is that at which the step is done.
    fn apply(&mut self, step: Step, now: i64) {
        let until = now + HOUR;
        match step {
            Step::Put(name, numbers) => {
                self.at(name).here.extend(numbers);
                self.ever.extend(numbers);
            }
            Step::DeleteOne(name, number) => self.delete(name, |one| one == number, until),
            Step::Delete(name, numbers) => self.delete(name, |one| numbers.contains(&one), until),
            Step::DeleteMatching(name, rest) => self.delete(name, |one| one % 4 == rest, until),
            Step::Replace(name, rest, by) => {
                self.delete(name, |one| one % 4 == rest && one != by, until);
                self.at(name).here.insert(by);
                self.ever.insert(by);
            }
            Step::Undelete(name, numbers) => {
                let one = self.at(name);
                for number in numbers {
                    if !one.here.contains(number) && one.waits.remove(number).is_some() {
                        one.here.insert(*number);
                    }
                }
            }
            Step::Purge(name, numbers) => {
                self.at(name)
                    .waits
                    .retain(|number, _| !numbers.contains(number));
            }
            Step::Drop(name) => self.at(name).place = Place::Waits(until),
            Step::Undrop(name) => self.at(name).place = Place::There,
            Step::PurgeDropped(name) => self.at(name).erase(),
            Step::Reopen(_) => {
                for one in self.collections.values_mut() {
                    one.waits.retain(|_, until| *until > now);
                    if let Place::Waits(until) = one.place
                        && until <= now
                    {
                        one.erase();
                    }
                }
            }
        }
    }

    fn at(&mut self, name: &str) -> &mut One {
        self.collections.get_mut(name).unwrap()
    }

    fn delete(&mut self, name: &str, is_meant: impl Fn(u32) -> bool, until: i64) {
        let one = self.at(name);
        let gone: Vec<u32> = { one.here.iter().copied() }
            .filter(|&n| is_meant(n))
            .collect();
        for number in gone {
            one.here.remove(&number);
            one.waits.insert(number, until);
        }
    }

    fn allows(&self, step: Step) -> bool {
        let place = |name: &str| self.collections[name].place;
        match step {
            Step::DeleteOne(name, number) => {
                place(name) == Place::There && self.collections[name].here.contains(&number)
            }
            Step::Put(name, _)
            | Step::Delete(name, _)
            | Step::DeleteMatching(name, _)
            | Step::Replace(name, ..)
            | Step::Undelete(name, _)
            | Step::Purge(name, _)
            | Step::Drop(name) => place(name) == Place::There,
            Step::Undrop(name) | Step::PurgeDropped(name) => {
                matches!(place(name), Place::Waits(_))
            }
            Step::Reopen(_) => true,
        }
    }

    /// The numbers of which nothing is left.
    fn gone(&self) -> Vec<u32> {
        let is_left = |number: &u32| {
            let mut all = self.collections.values();
            all.any(|one| one.here.contains(number) || one.waits.contains_key(number))
        };
        self.ever
            .iter()
            .copied()
            .filter(|number| !is_left(number))
            .collect()
    }
}

impl One {
    fn new(here: &[u32], waits: &[(u32, i64)]) -> Self {
        Self {
            place: Place::There,
            here: here.iter().copied().collect(),
            waits: waits.iter().copied().collect(),
        }
    }

    fn erase(&mut self) {
        self.place = Place::Gone;
        self.here.clear();
        self.waits.clear();
    }
}

fn apply(call: &Call, step: Step) -> Result<()> {
    match step {
        Step::Put(name, numbers) => {
            put(&call.collection(name)?, numbers.iter().copied(), None);
            Ok(())
        }
        Step::DeleteOne(name, number) => {
            let (collection, options) = for_now(call, name, HOUR)?;
            collection
                .delete_one_for_now(WAIT, &id(number), &options)
                .map(drop)
        }
        Step::Delete(name, numbers) => delete(call, name, numbers, HOUR).map(drop),
        Step::DeleteMatching(name, rest) => {
            let (collection, options) = for_now(call, name, HOUR)?;
            collection
                .delete_matching(&of_rest(rest), &options)
                .map(drop)
        }
        Step::Replace(name, rest, by) => {
            let (collection, _) = for_now(call, name, HOUR)?;
            let replacement = Replacement {
                filter: of_rest(rest),
                ids: vec![id(by)],
                metadata: vec![Some(metadata(by).into())],
                texts: vec![Some(text(by).into())],
                expires_at: Vec::new(),
                origin: Origin::Given,
                data: row(by),
                lengths: vec![DIMENSION as u32],
                places: Places::default(),
                options: ReplaceOptions {
                    undo: Some(HOUR),
                    ..ReplaceOptions::default()
                },
                on_progress: None,
            };
            collection.replace(replacement).map(drop)
        }
        Step::Undelete(name, numbers) => undelete_ids(call, name, numbers).map(drop),
        Step::Purge(name, numbers) => purge(call, name, numbers).map(drop),
        Step::Drop(name) => drop_for_now(call, name, HOUR).map(drop),
        Step::Undrop(name) => undelete_collection(call, name),
        Step::PurgeDropped(name) => purge_collection(call, name),
        Step::Reopen(_) => unreachable!("it is done by the caller"),
    }
}

/// Compares all that can be read with the model. Returns the difference, if there is one. Nothing is
/// ever in both places.
fn difference(call: &Call, model: &Model) -> Option<String> {
    let mut dropped: BTreeMap<String, (usize, i64)> = BTreeMap::new();
    for one in call.list_deleted(None, 0, 1000).unwrap().collections {
        let again = dropped.insert(one.name.clone(), (one.vectors, one.until));
        assert_eq!(again, None, "{} waits twice", one.name);
        let is_there = call.collection(&one.name).is_ok();
        assert!(!is_there, "{} is there and waits", one.name);
    }
    for (name, one) in &model.collections {
        let waits = dropped.get(*name).copied();
        let place = match (call.collection(name), waits) {
            (Ok(_), _) => Place::There,
            (Err(_), Some((vectors, until))) if vectors == one.here.len() => Place::Waits(until),
            (Err(_), Some((vectors, _))) => return Some(format!("{name} waits with {vectors}")),
            (Err(_), None) => Place::Gone,
        };
        if place != one.place {
            return Some(format!("{name} is {place:?}, not {:?}", one.place));
        }
        if place == Place::There
            && let Some(difference) = difference_in(call, name, one)
        {
            return Some(format!("{name}: {difference}"));
        }
    }
    None
}

fn difference_in(call: &Call, name: &str, one: &One) -> Option<String> {
    let items = listed(call, name);
    let mut here: Vec<&str> = items.iter().map(|item| &*item.id).collect();
    let mut expected = ids(&one.here.iter().copied().collect::<Vec<_>>());
    here.sort_unstable();
    expected.sort();
    if here != expected {
        return Some(format!("{here:?} are there, not {expected:?}"));
    }
    let collection = call.collection(name).unwrap();
    for &number in &one.here {
        let item = collection.get(WAIT, &id(number)).unwrap();
        let same = item.data == Some(row(number))
            && item.metadata.as_deref() == Some(&*metadata(number))
            && item.text.as_deref() == Some(&*text(number));
        assert!(same, "{number} is {item:?}");
        let nearest = collection.search(row(number), &SearchOptions::default());
        assert_eq!(*nearest.unwrap()[0].id, *id(number));
    }
    let list = call.list_deleted(Some(name), 0, 1000).unwrap();
    let mut waits: Vec<(String, i64)> = list
        .vectors
        .iter()
        .map(|one| (one.id.to_string(), one.until))
        .collect();
    let expected = one.waits.iter();
    let mut expected: Vec<(String, i64)> = expected.map(|(n, until)| (id(*n), *until)).collect();
    waits.sort();
    expected.sort();
    if waits != expected {
        return Some(format!("{waits:?} wait, not {expected:?}"));
    }
    let info = collection.info(WAIT).unwrap();
    assert_eq!((info.vectors, info.undoable), (here.len(), waits.len()));
    None
}

/// Brings back all that waits, and compares that with the model.
fn bring_back(call: &Call, model: &Model) {
    let mut model = model.clone();
    for (name, one) in &mut model.collections {
        if let Place::Waits(_) = one.place {
            undelete_collection(call, name).unwrap();
            one.place = Place::There;
        }
        if one.place == Place::There {
            let numbers: Vec<u32> = std::mem::take(&mut one.waits).into_keys().collect();
            assert_eq!(undelete_ids(call, name, &numbers).unwrap(), numbers.len());
            one.here.extend(numbers);
        }
    }
    assert_eq!(difference(call, &model), None);
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn setup(call: &Call) -> Model {
    create(call, "a", 0..12);
    create(call, "b", [50, 51, 52]);
    create(call, "c", [60, 61, 62]);
    // It has no bin.
    create(call, "d", [90, 91]);
    delete(call, "a", &[10], 9 * HOUR).unwrap();
    delete(call, "b", &[52], 9 * HOUR).unwrap();
    delete(call, "c", &[62], 9 * HOUR).unwrap();
    call.flush().unwrap();
    let until = START + 9 * HOUR;
    let here: Vec<u32> = (0..12).filter(|number| *number != 10).collect();
    let all = [
        One::new(&here, &[(10, until)]),
        One::new(&[50, 51], &[(52, until)]),
        One::new(&[60, 61], &[(62, until)]),
        One::new(&[90, 91], &[]),
    ];
    Model {
        collections: NAMES.into_iter().zip(all).collect(),
        ever: { (0..12).chain(50..53).chain(60..63) }
            .chain([90, 91])
            .collect(),
    }
}

const STEPS: [Step; 22] = [
    Step::DeleteOne("a", 1),
    Step::Delete("a", &[2, 3, 99]),
    Step::DeleteMatching("a", 0),
    Step::Undelete("a", &[1, 4, 99, 3]),
    Step::Delete("a", &[1, 4]),
    // What is replaced by itself stays.
    Step::Replace("a", 3, 7),
    Step::Purge("a", &[2, 8]),
    Step::Drop("b"),
    Step::Drop("c"),
    Step::Drop("d"),
    Step::Undrop("d"),
    Step::Undrop("b"),
    Step::PurgeDropped("c"),
    Step::Drop("b"),
    Step::Delete("d", &[91]),
    Step::Drop("d"),
    Step::Reopen(HOUR - 1),
    Step::Undelete("a", &[0]),
    Step::Undrop("d"),
    Step::Reopen(1),
    Step::Delete("a", &[5, 6]),
    Step::Undelete("a", &[10, 6]),
];

/// Runs the steps with a fault at one of the changes. Returns the number of changes.
fn run((fsync, ledger): (Fsync, bool), fault: Option<Fault>) -> usize {
    let store = directory();
    let how = How {
        fsync,
        ..How::new(ledger)
    };
    let faults = Arc::new(Faults::default());
    let files = faults.files(fault);
    let mut opened = Some(how.open_by(&files, store.path()).unwrap());
    let mut model = setup(&opened.as_ref().unwrap().call);
    faults.arm();
    // As if the step that failed had been done.
    let mut next = None;
    for step in STEPS {
        if !model.allows(step) {
            continue;
        }
        let context = format!("{fault:?}, {fsync:?}, {ledger}, {step:?}");
        let mut after = model.clone();
        if let Step::Reopen(time) = step {
            let _ = opened.take().unwrap().close();
            how.clock.advance(time);
            // It is not even there for a read, however it is opened next.
            after.apply(step, how.clock.now());
            model = after;
            match how.open_by(&files, store.path()) {
                Ok(again) => opened = Some(again),
                Err(error) => {
                    let is_due = fault.is_some() && matches!(error, Error::Storage(_));
                    assert!(is_due, "{context}: {error}");
                    break;
                }
            }
            let call = &opened.as_ref().unwrap().call;
            assert_eq!(difference(call, &model), None, "{context}");
            continue;
        }
        let call = &opened.as_ref().unwrap().call;
        after.apply(step, how.clock.now());
        let Err(error) = apply(call, step) else {
            model = after;
            assert_eq!(difference(call, &model), None, "{context}");
            continue;
        };
        assert!(matches!(error, Error::Storage(_)), "{context}: {error}");
        if call.check().is_err() {
            next = Some(after);
            break;
        }
        // It has happened, and something remains to be done, or nothing has happened.
        if difference(call, &model).is_some() {
            model = after;
        }
        assert_eq!(difference(call, &model), None, "{context}: {error}");
    }
    assert!(next.is_none() || fault.is_some());
    let _ = opened.map(Opened::close);

    let context = format!("{fault:?}, {fsync:?}, {ledger}, after {next:?}");
    let opened = how.open_by(&Files::default(), store.path());
    let opened = opened.unwrap_or_else(|error| panic!("{context}: {error}"));
    let call = &opened.call;
    if let Some(difference) = difference(call, &model) {
        let next = next.unwrap_or_else(|| panic!("{context}: {difference}"));
        assert_eq!(
            self::difference(call, &next),
            None,
            "{context}: and {difference}"
        );
        model = next;
    }
    let gone = model.gone();
    assert_eq!(
        found(store.path(), gone.iter().copied()),
        Vec::<String>::new(),
        "{context}"
    );
    for (name, one) in &model.collections {
        if one.place == Place::There {
            let residues = call.collection(name).unwrap().verify_erased(&ids(&gone));
            assert_eq!(residues.unwrap(), [], "{context}");
        }
    }
    if ledger {
        erasures::read(store.path());
    }
    bring_back(call, &model);
    opened.close().unwrap();
    faults.changes()
}

fn every_change(how: (Fsync, bool), stops: bool) {
    let changes = run(how, None);
    assert!(changes > 4 * STEPS.len(), "{changes}");
    for at in 0..changes {
        for code in interruptions(ERRORS[at % ERRORS.len()]) {
            run(
                how,
                Some(Fault {
                    at,
                    how: code,
                    stops,
                }),
            );
        }
    }
}

#[test]
fn a_process_that_stops_at_any_change_leaves_everything_there_or_waiting() {
    every_change((Fsync::No, false), true);
    every_change((Fsync::Always, false), true);
}

#[test]
fn a_process_with_a_ledger_that_stops_at_any_change_leaves_everything_there_or_waiting() {
    every_change((Fsync::No, true), true);
    every_change((Fsync::Always, true), true);
}

#[test]
fn a_change_that_fails_leaves_everything_there_or_waiting() {
    every_change((Fsync::No, false), false);
    every_change((Fsync::Always, true), false);
}

#[test]
fn whatever_change_stops_the_delete_of_an_id_that_waits_already_the_later_vector_is_there_or_waits()
{
    let run = |ledger: bool, fault: Option<Fault>| {
        let context = format!("{ledger}, {fault:?}");
        let store = directory();
        let how = How::new(ledger);
        let faults = Arc::new(Faults::default());
        let opened = how.open_by(&faults.files(fault), store.path()).unwrap();
        let call = &opened.call;
        let a = create(call, "a", [1, 2]);
        delete(call, "a", &[1, 2], HOUR).unwrap();
        // Others with the same ids.
        let again = Batch {
            ids: [1, 2].map(|number| Some(id(number))).to_vec(),
            data: [3, 4].into_iter().flat_map(row).collect(),
            lengths: vec![DIMENSION as u32],
            metadata: [3, 4].map(|number| Some(metadata(number).into())).to_vec(),
            ..Batch::default()
        };
        let mut prepared = a.prepare(again).unwrap();
        a.insert(WAIT, &mut prepared).unwrap();
        drop(a);
        call.flush().unwrap();
        faults.arm();
        let deleted = delete(call, "a", &[1, 2], HOUR);
        if let Err(error) = &deleted {
            assert!(matches!(error, Error::Storage(_)), "{context}: {error}");
        }
        let _ = opened.close();
        let opened = how.open(store.path());
        let call = &opened.call;
        let is_deleted = listed(call, "a").is_empty();
        assert!(is_deleted || deleted.is_err(), "{context}");
        let list = call.list_deleted(Some("a"), 0, 10).unwrap().vectors;
        let waits = list.iter().map(|one| one.metadata.as_deref().unwrap());
        let later = [3, 4];
        if is_deleted {
            assert!(waits.eq(later.map(metadata)), "{context}: {list:?}");
            assert_eq!(undelete_ids(call, "a", &[1, 2]).unwrap(), 2, "{context}");
        } else {
            // The earlier ones are whole, or erased.
            let is_whole = waits.eq([1, 2].map(metadata));
            assert!(is_whole || list.is_empty(), "{context}: {list:?}");
            assert_eq!(undelete_ids(call, "a", &[1, 2]).unwrap(), 0, "{context}");
        }
        let items = listed(call, "a");
        let data = items.iter().map(|item| item.data.clone().unwrap());
        assert!(data.eq(later.map(row)), "{context}");
        opened.close().unwrap();
        faults.changes()
    };
    for ledger in [false, true] {
        let changes = run(ledger, None);
        assert!(changes > 3, "{changes}");
        for at in 0..changes {
            for how in interruptions(ERRORS[at % ERRORS.len()]) {
                for stops in [true, false] {
                    run(ledger, Some(Fault { at, how, stops }));
                }
            }
        }
    }
}

#[test]
fn a_collection_that_is_deleted_for_good_goes_with_its_bin_whatever_change_stops_that() {
    let run = |ledger: bool, fault: Option<Fault>| {
        let context = format!("{ledger}, {fault:?}");
        let store = directory();
        let how = How::new(ledger);
        let faults = Arc::new(Faults::default());
        let opened = how.open_by(&faults.files(fault), store.path()).unwrap();
        let call = &opened.call;
        create(call, "a", 1..5);
        create(call, "b", [20, 21]);
        delete(call, "a", &[2, 3], HOUR).unwrap();
        delete(call, "b", &[21], HOUR).unwrap();
        call.flush().unwrap();
        faults.arm();
        let dropped = call.delete_collection(WAIT, "a", false, None);
        if let Err(error) = &dropped {
            assert!(matches!(error, Error::Storage(_)), "{context}: {error}");
        } else {
            assert_eq!(found(store.path(), 1..5), Vec::<String>::new(), "{context}");
        }
        let _ = opened.close();

        let opened = how.open(store.path());
        let call = &opened.call;
        match call.collection("a") {
            Ok(_) => {
                assert!(dropped.is_err(), "{context}");
                assert_eq!(listed_ids(call, "a"), ids(&[1, 4]), "{context}");
                assert_eq!(waiting(call, "a"), ids(&[2, 3]), "{context}");
            }
            Err(_) => {
                assert_eq!(found(store.path(), 1..5), Vec::<String>::new(), "{context}");
                assert_eq!(directories(store.path()).len(), 2, "{context}");
            }
        }
        assert_eq!(waiting(call, "b"), ids(&[21]), "{context}");
        assert_eq!(undelete_ids(call, "b", &[21]).unwrap(), 1);
        opened.close().unwrap();
        if ledger {
            erasures::read(store.path());
        }
        faults.changes()
    };
    for ledger in [false, true] {
        let changes = run(ledger, None);
        assert!(changes > 4, "{changes}");
        for at in 0..changes {
            for how in interruptions(ERRORS[at % ERRORS.len()]) {
                for stops in [true, false] {
                    run(ledger, Some(Fault { at, how, stops }));
                }
            }
        }
    }
}

#[test]
fn whatever_change_stops_a_rotation_of_keys_what_waits_comes_back() {
    let run = |fault: Option<Fault>| {
        let context = format!("{fault:?}");
        let store = directory();
        let how = How::new(false);
        let faults = Arc::new(Faults::default());
        let opened = how.open_by(&faults.files(fault), store.path()).unwrap();
        let mut model = setup(&opened.call);
        let steps = [Step::Drop("b"), Step::Delete("a", &[1, 2])];
        for step in steps {
            apply(&opened.call, step).unwrap();
            model.apply(step, how.clock.now());
        }
        faults.arm();
        let rotated = opened.call.rotate_keys(None, &mut |_| ());
        assert!(rotated.is_ok() || fault.is_some());
        if opened.call.check().is_ok() {
            assert_eq!(difference(&opened.call, &model), None, "{context}");
        }
        let _ = opened.close();
        let opened = how.open(store.path());
        assert_eq!(difference(&opened.call, &model), None, "{context}");
        opened.call.rotate_keys(None, &mut |_| ()).unwrap();
        bring_back(&opened.call, &model);
        opened.close().unwrap();
        faults.changes()
    };
    let changes = run(None);
    assert!(changes > 20, "{changes}");
    for at in 0..changes {
        for how in interruptions(ERRORS[at % ERRORS.len()]) {
            for stops in [true, false] {
                run(Some(Fault { at, how, stops }));
            }
        }
    }
}

#[test]
fn after_a_rotation_of_keys_the_previous_ones_open_nothing_that_waits() {
    let store = directory();
    let how = How::new(false);
    let opened = how.open(store.path());
    with_things_waiting(&opened.call);
    let before = fs::read(store.path().join(KEYRING)).unwrap();
    opened.call.rotate_keys(None, &mut |_| ()).unwrap();
    opened.close().unwrap();
    let all = directories(store.path());
    assert_eq!(all.len(), 4);
    for one in all {
        for is_new in [true, false] {
            let other = directory();
            fs::copy(store.path().join("STORE"), other.path().join("STORE")).unwrap();
            let keyring = match is_new {
                true => fs::read(store.path().join(KEYRING)).unwrap(),
                false => before.clone(),
            };
            fs::write(other.path().join(KEYRING), keyring).unwrap();
            copy(&one, &other.path().join(one.file_name().unwrap()));
            // A bin alone was left over.
            let opened = how.open_by(&Files::default(), other.path());
            assert_eq!(opened.is_ok(), is_new, "{}", one.display());
        }
    }
    let opened = how.open(store.path());
    let call = &opened.call;
    undelete_collection(call, "b").unwrap();
    assert_eq!(undelete_ids(call, "b", &[12]).unwrap(), 1);
    assert_eq!(undelete_ids(call, "a", &[1, 2, 3, 6]).unwrap(), 4);
    assert_eq!(listed_ids(call, "a"), ids(&[5, 1, 2, 3, 6]));
    assert_eq!(listed_ids(call, "b"), ids(&[10, 11, 12]));
    opened.close().unwrap();
}

fn optimize(collection: &Arc<Collection>) -> Result<()> {
    let done = collection.optimize(None)?;
    done.blocking_recv().unwrap()
}

/// The size of the log in a collection's directory.
fn log_size(directory: &Path) -> u64 {
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap());
    let mut logs = files.filter(|file| file.file_name().to_str().unwrap().starts_with("log."));
    let log = logs.next().unwrap();
    assert!(logs.next().is_none());
    log.metadata().unwrap().len()
}

#[test]
fn whatever_change_stops_the_rewriting_of_a_log_what_waits_comes_back() {
    let waits: Vec<u32> = (0..40).collect();
    let (purged, kept) = waits.split_at(32);
    let run = |of_bin: bool, fault: Option<Fault>| {
        let context = format!("{of_bin}, {fault:?}");
        let store = directory();
        let how = How::new(false);
        let faults = Arc::new(Faults::default());
        let opened = how.open_by(&faults.files(fault), store.path()).unwrap();
        let call = &opened.call;
        let a = create(call, "a", 0..44);
        delete(call, "a", &waits, HOUR).unwrap();
        purge(call, "a", purged).unwrap();
        let (rewritten, other) = match of_bin {
            true => (a.bin().unwrap(), a.clone()),
            false => (a.clone(), a.bin().unwrap()),
        };
        let place = rewritten.directory().unwrap();
        call.flush().unwrap();
        let before = log_size(&place);
        faults.arm();
        let done = optimize(&rewritten);
        match &done {
            Ok(()) => assert!(log_size(&place) < before / 2, "{context}"),
            Err(error) => {
                assert!(
                    fault.is_some() && matches!(error, Error::Storage(_)),
                    "{context}: {error}"
                );
            }
        }
        let changes = faults.changes();
        drop((a, rewritten, other));
        let _ = opened.close();
        let opened = how.open(store.path());
        let call = &opened.call;
        assert_eq!(
            found(store.path(), purged.iter().copied()),
            Vec::<String>::new(),
            "{context}"
        );
        assert_eq!(waiting(call, "a"), ids(kept), "{context}");
        assert_eq!(listed_ids(call, "a"), ids(&[40, 41, 42, 43]), "{context}");
        // Others get numbers meanwhile.
        put(&call.collection("a").unwrap(), 50..60, None);
        opened.close().unwrap();
        let opened = how.open(store.path());
        let call = &opened.call;
        assert_eq!(waiting(call, "a"), ids(kept), "{context}");
        assert_eq!(
            undelete_ids(call, "a", kept).unwrap(),
            kept.len(),
            "{context}"
        );
        let here: Vec<u32> = (40..44).chain(50..60).chain(kept.iter().copied()).collect();
        assert_eq!(listed_ids(call, "a"), ids(&here), "{context}");
        let one = One::new(&here, &[]);
        assert_eq!(difference_in(call, "a", &one), None, "{context}");
        opened.close().unwrap();
        changes
    };
    for of_bin in [true, false] {
        let changes = run(of_bin, None);
        assert!(changes > 4, "{changes}");
        for at in 0..changes {
            for how in interruptions(ERRORS[at % ERRORS.len()]) {
                for stops in [true, false] {
                    run(of_bin, Some(Fault { at, how, stops }));
                }
            }
        }
    }
}

/// An erasure that has ended, or a move, as a ledger has it.
#[derive(Debug, PartialEq)]
struct Entry {
    call: String,
    reason: Option<String>,
    /// The name of the collection and how many vectors.
    collections: Vec<(String, u64)>,
    /// Whether the vectors are elsewhere since.
    is_move: bool,
    /// Whether it is about a collection as a whole.
    is_all: bool,
}

/// In the order in which they ended.
fn entries(store: &Path) -> Vec<Entry> {
    // Its chain is whole, and nothing is unfinished.
    erasures::read(store);
    let text = fs::read_to_string(store.join(LEDGER)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let ended = lines.iter().filter(|line| line["kind"] == "erased");
    let ended = ended.map(|line| {
        let begun = &lines[line["begin"].as_u64().unwrap() as usize];
        let parts = begun["collections"].as_array().unwrap();
        let name = |part: &Value| part["collection"].as_str().unwrap().to_owned();
        Entry {
            call: line["call"].as_str().unwrap().into(),
            reason: line
                .get("reason")
                .map(|reason| reason.as_str().unwrap().into()),
            collections: parts
                .iter()
                .map(|part| (name(part), part["deleted"].as_u64().unwrap()))
                .collect(),
            is_move: parts.iter().any(|part| part.get("to").is_some()),
            is_all: parts.iter().any(|part| part.get("all").is_some()),
        }
    });
    ended.collect()
}

fn entry(call: &str, reason: Option<&str>, collections: &[(&str, u64)]) -> Entry {
    Entry {
        call: call.into(),
        reason: reason.map(str::to_owned),
        collections: collections
            .iter()
            .map(|(name, count)| (String::from(*name), *count))
            .collect(),
        is_move: false,
        is_all: false,
    }
}

fn forgetting(selection: Selection) -> Forgetting {
    Forgetting {
        selection,
        collections: None,
        dry_run: false,
        guards: Guards::default(),
        reason: Some("asked to".into()),
        on_progress: None,
    }
}

#[test]
fn the_ledger_has_what_is_moved_to_a_bin_and_back_and_what_is_really_erased() {
    let store = directory();
    let how = How::new(true);
    let opened = how.open(store.path());
    let call = &opened.call;
    create(call, "a", 0..10);
    create(call, "b", [20, 21, 22]);
    create(call, "c", [30, 31]);
    let moved = |call: &str, reason, count| Entry {
        is_move: true,
        ..entry(call, reason, &[("a", count)])
    };
    let whole = |call: &str, reason, name, count| Entry {
        is_all: true,
        ..entry(call, reason, &[(name, count)])
    };
    let mistake = Some("by mistake");
    delete(call, "a", &[1, 2, 3, 4, 5, 99], HOUR).unwrap();
    apply(call, Step::DeleteOne("a", 6)).unwrap();
    apply(call, Step::DeleteMatching("a", 0)).unwrap();
    let mut expected = vec![
        moved("batchDelete", mistake, 5),
        moved("deleteVector", mistake, 1),
        moved("deleteByFilter", mistake, 2),
    ];
    assert_eq!(entries(store.path()), expected);

    assert_eq!(undelete_ids(call, "a", &[1, 8, 99]).unwrap(), 2);
    expected.push(moved("undelete", None, 2));
    assert_eq!(purge(call, "a", &[2, 98]).unwrap(), 1);
    expected.push(entry("purgeDeleted", Some("for good"), &[("a", 1)]));
    let selection = Selection::Ids(ids(&[3, 7, 97]));
    call.forget(forgetting(selection)).unwrap();
    expected.push(entry("forget", Some("asked to"), &[("a", 1), ("a", 1)]));
    assert_eq!(entries(store.path()), expected);

    // A collection that is deleted for now is in it when it is erased, and not before.
    drop_for_now(call, "b", HOUR).unwrap();
    drop_for_now(call, "c", HOUR).unwrap();
    undelete_collection(call, "b").unwrap();
    assert_eq!(entries(store.path()), expected);
    purge_collection(call, "c").unwrap();
    expected.push(whole("purgeDeleted", Some("for good"), "c", 2));
    assert_eq!(entries(store.path()), expected);
    drop_for_now(call, "b", HOUR).unwrap();

    how.clock.advance(HOUR);
    eventually("it is not erased", || {
        found(store.path(), [0, 4, 5, 6, 20, 21, 22]).is_empty()
    });
    opened.close().unwrap();
    // In no order, and without the reasons of what was moved.
    let mut rest = entries(store.path()).split_off(expected.len());
    rest.sort_by_key(|one| one.is_all);
    let b = rest.pop().unwrap();
    assert_eq!(b, whole("expiry", mistake, "b", 3));
    let count = rest.iter().map(|one| {
        assert_eq!(
            (&*one.call, one.is_move, &*one.collections[0].0),
            ("expiry", false, "a")
        );
        one.collections[0].1
    });
    assert_eq!(count.sum::<u64>(), 4);
}

#[test]
fn of_an_older_backup_what_waits_or_was_undeleted_is_restored_and_what_was_erased_is_not() {
    let (store, place) = (directory(), directory());
    let how = How::new(true);
    let opened = how.open(store.path());
    let call = &opened.call;
    create(call, "a", 0..12);
    for (name, first) in [("b", 20), ("c", 30), ("d", 40), ("e", 50), ("f", 60)] {
        create(call, name, first..first + 3);
    }
    let backup = place.path().join("backup");
    call.create_backup(&backup, None, false, &mut |_| ())
        .unwrap();

    delete(call, "a", &[1, 2, 3, 4], HOUR).unwrap();
    delete(call, "a", &[5, 6, 7], 2 * HOUR).unwrap();
    undelete_ids(call, "a", &[1, 5]).unwrap();
    purge(call, "a", &[2]).unwrap();
    call.forget(forgetting(Selection::Ids(ids(&[3])))).unwrap();
    // It came back, and was deleted for good.
    undelete_ids(call, "a", &[7]).unwrap();
    let a = call.collection("a").unwrap();
    a.delete_one(WAIT, &id(7), &DeleteOptions::default())
        .unwrap();
    a.delete_one(WAIT, &id(8), &DeleteOptions::default())
        .unwrap();
    // There was another with its id, which was deleted for good while the first waited: it is left out
    // by its id. And one that is still there while the first was purged.
    delete(call, "a", &[9, 10], 2 * HOUR).unwrap();
    put(&a, [9, 10], None);
    a.delete_one(WAIT, &id(9), &DeleteOptions::default())
        .unwrap();
    purge(call, "a", &[10]).unwrap();
    drop(a);
    // Is gone; waits; was undeleted; is purged; goes with its bin.
    drop_for_now(call, "b", HOUR).unwrap();
    drop_for_now(call, "c", 2 * HOUR).unwrap();
    delete(call, "d", &[41], 2 * HOUR).unwrap();
    drop_for_now(call, "d", 2 * HOUR).unwrap();
    undelete_collection(call, "d").unwrap();
    drop_for_now(call, "e", 2 * HOUR).unwrap();
    purge_collection(call, "e").unwrap();
    delete(call, "f", &[61], 2 * HOUR).unwrap();
    call.delete_collection(WAIT, "f", false, None).unwrap();
    how.clock.advance(HOUR);
    eventually("it is not erased", || {
        found(store.path(), [4, 20, 21, 22]).is_empty()
    });
    let to = place.path().join("restored");
    let source = Source::default();
    let restored = restore_backup(&backup, &to, source, Some(store.path()), &mut |_, _| ());
    let restored = restored.unwrap();
    let gone = [2, 3, 4, 7, 8, 9, 10, 20, 21, 22, 50, 51, 52, 60, 61, 62];
    assert_eq!(restored.left_out, Some(gone.len() as u64));
    assert_eq!(found(&to, gone), Vec::<String>::new());
    let plain = How::new(false).open(&to);
    let names = plain.call.collections();
    let names: Vec<String> = names.iter().map(|one| one.name()).collect();
    assert_eq!(names, ["a", "c", "d"]);
    assert_eq!(listed_ids(&plain.call, "a"), ids(&[0, 1, 5, 6, 11]));
    assert_eq!(listed_ids(&plain.call, "c"), ids(&[30, 31, 32]));
    assert_eq!(listed_ids(&plain.call, "d"), ids(&[40, 41, 42]));
    plain.close().unwrap();
    opened.close().unwrap();
}

#[test]
fn a_backup_has_nothing_of_what_waits() {
    let (store, place) = (directory(), directory());
    let how = How::new(false);
    let opened = how.open(store.path());
    let call = &opened.call;
    with_things_waiting(call);
    let a = ["a".to_owned()];
    let gone = [1, 2, 3, 6, 10, 11, 12];
    for (name, names, apart) in [("all", None, false), ("one", Some(&a[..]), true)] {
        let backup = place.path().join(name);
        call.create_backup(&backup, names, apart, &mut |_| ())
            .unwrap();
        assert_eq!(found(place.path(), gone), Vec::<String>::new());
        let (to, keys) = (place.path().join("restored"), place.path().join("one.keys"));
        let source = Source {
            keys: apart.then_some(&*keys),
            ..Source::default()
        };
        let restored = restore_backup(&backup, &to, source, None, &mut |_, _| ());
        assert_eq!(restored.unwrap().vectors, 1);
        let restored = How::new(false).open(&to);
        assert_eq!(listed_ids(&restored.call, "a"), ids(&[5]));
        let list = restored.call.list_deleted(None, 0, 1000).unwrap();
        assert!(list.collections.is_empty());
        assert_eq!(waiting(&restored.call, "a"), Vec::<String>::new());
        restored.close().unwrap();
        assert_eq!(directories(&to).len(), 1);
        fs::remove_dir_all(&to).unwrap();
    }
    let keys = place.path().join("keys");
    call.export_keys(&keys).unwrap();
    assert_eq!(found(place.path(), gone), Vec::<String>::new());
    opened.close().unwrap();
}

fn forgotten(call: &Call, selection: Selection, dry_run: bool) -> Vec<(String, Vec<String>, bool)> {
    let forgotten = call.forget(Forgetting {
        dry_run,
        ..forgetting(selection)
    });
    let all = forgotten.unwrap().collections.into_iter();
    let all = all.filter(|one| !one.matched.is_empty());
    let ids = |matched: &[Id]| matched.iter().map(Id::to_string).collect();
    all.map(|one| (one.collection, ids(&one.matched), one.undoable))
        .collect()
}

#[test]
fn forgetting_reaches_what_waits_in_bins_and_collections_that_wait() {
    for ledger in [false, true] {
        for by_filter in [false, true] {
            let store = directory();
            let how = How::new(ledger);
            let opened = how.open(store.path());
            let call = &opened.call;
            create(call, "a", 0..8);
            create(call, "b", 8..16);
            delete(call, "a", &[0, 1, 2], HOUR).unwrap();
            delete(call, "b", &[8, 9, 10], HOUR).unwrap();
            drop_for_now(call, "b", HOUR).unwrap();
            let select = || match by_filter {
                true => Selection::Filter(of_rest(0)),
                false => Selection::Ids(ids(&[12, 8, 4, 0, 99])),
            };
            let row = |name: &str, number, undoable| (name.to_owned(), ids(&[number]), undoable);
            let expected = [
                row("a", 4, false),
                row("a", 0, true),
                row("b", 12, true),
                row("b", 8, true),
            ];
            assert_eq!(forgotten(call, select(), true), expected);
            assert!(!found(store.path(), [0]).is_empty());
            assert_eq!(forgotten(call, select(), false), expected);
            let gone = [0, 4, 8, 12];
            assert_eq!(found(store.path(), gone), Vec::<String>::new());
            let a = call.collection("a").unwrap();
            assert_eq!(a.verify_erased(&ids(&gone)).unwrap(), []);
            drop(a);
            let list = call.list_deleted(None, 0, 1000).unwrap().collections;
            assert_eq!(list[0].vectors, 4);
            assert_eq!(waiting(call, "a"), ids(&[1, 2]));
            opened.close().unwrap();

            let opened = how.open(store.path());
            let call = &opened.call;
            undelete_collection(call, "b").unwrap();
            assert_eq!(listed_ids(call, "b"), ids(&[11, 13, 14, 15]));
            assert_eq!(undelete_ids(call, "b", &[8, 9, 10]).unwrap(), 2);
            assert_eq!(undelete_ids(call, "a", &[0, 1, 2]).unwrap(), 2);
            opened.close().unwrap();
        }
    }
}

#[test]
fn whatever_change_stops_forgetting_what_waits_all_or_nothing_is_forgotten() {
    let run = |ledger: bool, fault: Option<Fault>| {
        let context = format!("{ledger}, {fault:?}");
        let store = directory();
        let how = How::new(ledger);
        let faults = Arc::new(Faults::default());
        let opened = how.open_by(&faults.files(fault), store.path()).unwrap();
        let mut model = setup(&opened.call);
        for step in [Step::Delete("a", &[1, 2]), Step::Drop("b")] {
            apply(&opened.call, step).unwrap();
            model.apply(step, how.clock.now());
        }
        // In a collection, its bin, a collection that waits and its bin.
        let numbers = [1, 3, 50, 52];
        let mut after = model.clone();
        for one in after.collections.values_mut() {
            one.here.retain(|number| !numbers.contains(number));
            one.waits.retain(|number, _| !numbers.contains(number));
        }
        faults.arm();
        let done = opened
            .call
            .forget(forgetting(Selection::Ids(ids(&numbers))));
        if let Err(error) = &done {
            let is_due = fault.is_some() && matches!(error, Error::Storage(_));
            assert!(is_due, "{context}: {error}");
        }
        let is_certain = done.is_ok();
        let _ = opened.close();
        let opened = how.open(store.path());
        let call = &opened.call;
        if is_certain || difference(call, &model).is_some() {
            model = after;
        }
        assert_eq!(difference(call, &model), None, "{context}");
        let gone = model.gone();
        assert_eq!(found(store.path(), gone), Vec::<String>::new(), "{context}");
        bring_back(call, &model);
        opened.close().unwrap();
        if ledger {
            erasures::read(store.path());
        }
        faults.changes()
    };
    for ledger in [false, true] {
        let changes = run(ledger, None);
        assert!(changes > 10, "{changes}");
        for at in 0..changes {
            for how in interruptions(ERRORS[at % ERRORS.len()]) {
                for stops in [true, false] {
                    run(ledger, Some(Fault { at, how, stops }));
                }
            }
        }
    }
}

/// A name that occurs nowhere else.
const OLD_NAME: &str = "old name 0b6d4e17";

#[test]
fn a_collection_that_is_renamed_keeps_what_waits_in_its_bin_and_its_old_name_is_in_no_file() {
    let store = directory();
    let how = How::new(false);
    let opened = how.open(store.path());
    let call = &opened.call;
    create(call, OLD_NAME, 0..4);
    delete(call, OLD_NAME, &[1, 2], HOUR).unwrap();
    call.rename_collection(OLD_NAME, "new").unwrap();
    assert_eq!(waiting(call, "new"), ids(&[1, 2]));
    let old = call.list_deleted(Some(OLD_NAME), 0, 10);
    assert!(matches!(old, Err(Error::CollectionNotFound(_))));
    assert_eq!(undelete_ids(call, "new", &[1]).unwrap(), 1);
    // Another one gets the name, and has nothing that waits.
    let other = create(call, OLD_NAME, [8]);
    assert_eq!(waiting(call, OLD_NAME), Vec::<String>::new());
    drop(other);
    call.delete_collection(WAIT, OLD_NAME, false, None).unwrap();
    let name = [("the old name".to_owned(), OLD_NAME.as_bytes().to_vec())];
    let left = || residues(store.path(), &name);
    assert_eq!(left(), Vec::<String>::new());
    opened.close().unwrap();
    let opened = how.open(store.path());
    assert_eq!(left(), Vec::<String>::new());
    let call = &opened.call;
    assert_eq!(undelete_ids(call, "new", &[2]).unwrap(), 1);
    assert_eq!(listed_ids(call, "new"), ids(&[0, 3, 1, 2]));
    opened.close().unwrap();
}

#[test]
fn moving_and_copying_of_vectors_or_of_the_store_s_directory_leaves_what_waits_where_it_is() {
    let store = directory();
    let how = How::new(false);
    let opened = how.open(store.path());
    let call = &opened.call;
    create(call, "a", 0..8);
    create(call, "b", [20]);
    delete(call, "a", &[1, 2], HOUR).unwrap();
    drop_for_now(call, "b", HOUR).unwrap();
    create(call, "b", [21]);
    for moves in [false, true] {
        let transfer = Transfer {
            selection: Selection::Ids(ids(&[0, 1, 2, 3, 4])),
            moves,
            overwrite: true,
            dry_run: false,
            guards: Guards::default(),
            receipt: false,
            reason: None,
            on_progress: None,
        };
        assert!(call.transfer("a", "b", transfer).unwrap().applied);
    }
    assert_eq!(listed_ids(call, "b"), ids(&[21, 0, 3, 4]));
    assert_eq!(waiting(call, "a"), ids(&[1, 2]));
    assert_eq!(waiting(call, "b"), Vec::<String>::new());
    opened.close().unwrap();
    let other = directory();
    copy(store.path(), other.path());
    let opened = how.open(other.path());
    let call = &opened.call;
    assert_eq!(undelete_ids(call, "a", &[1, 2]).unwrap(), 2);
    let token = token_of(call, "b");
    let taken = call
        .undelete("b", Which::Token(token.clone()), None)
        .map(drop);
    assert!(
        matches!(taken, Err(Error::CollectionExists(_))),
        "{taken:?}"
    );
    call.rename_collection("b", "c").unwrap();
    undelete_collection(call, "b").unwrap();
    assert_eq!(listed_ids(call, "b"), ids(&[20]));
    opened.close().unwrap();
}

#[test]
fn nothing_of_the_metadata_and_the_text_of_what_waits_is_in_memory() {
    const COUNT: usize = 200;
    const SIZE: usize = 10_000;
    let store = directory();
    let how = How::new(false);
    let mut opened = how.open(store.path());
    let call = &opened.call;
    let a = call
        .create_collection(config("a", Metric::Euclidean))
        .unwrap();
    let names = || (0..COUNT as u32).map(id);
    let long = |number: usize| {
        format!(
            "{{\"long\":\"{}\"}}",
            format!("{number:04}").repeat(SIZE / 4)
        )
    };
    let batch = Batch {
        ids: names().map(Some).collect(),
        data: (0..COUNT as u32).flat_map(row).collect(),
        lengths: vec![DIMENSION as u32],
        metadata: (0..COUNT).map(|number| Some(long(number).into())).collect(),
        texts: (0..COUNT).map(|number| Some(long(number).into())).collect(),
        ..Batch::default()
    };
    let mut prepared = a.prepare(batch).unwrap();
    a.insert(WAIT, &mut prepared).unwrap();
    let memory = |call: &Call| {
        call.collection("a")
            .unwrap()
            .info(WAIT)
            .unwrap()
            .memory_bytes
    };
    let before = memory(call);
    assert!(before > COUNT * SIZE, "{before}");
    let (_, options) = for_now(call, "a", HOUR).unwrap();
    let all: Vec<String> = names().collect();
    a.delete_many(WAIT, &all, &options).unwrap();
    drop(a);
    for _ in 0..2 {
        let after = memory(&opened.call);
        assert!(after < COUNT * 1000, "{before} before, {after} after");
        opened.close().unwrap();
        opened = how.open(store.path());
    }
    assert_eq!(undelete(&opened.call, "a", Which::Ids(all)).unwrap(), COUNT);
    let items = listed(&opened.call, "a");
    let is_whole = |(number, item): (usize, &Item)| {
        item.metadata.as_deref() == Some(&*long(number))
            && item.text.as_deref() == Some(&*long(number))
    };
    assert!(items.iter().enumerate().all(is_whole));
    opened.close().unwrap();
}

/// The files in this directory that this process has open.
#[cfg(target_os = "linux")]
fn open_files(directory: &Path) -> Vec<PathBuf> {
    let open = fs::read_dir("/proc/self/fd").unwrap();
    // Others are closed meanwhile.
    let open = open.filter_map(|file| fs::read_link(file.unwrap().path()).ok());
    open.filter(|path| path.starts_with(directory)).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_collection_that_waits_has_no_open_files() {
    let store = directory();
    let root = store.path().canonicalize().unwrap();
    let how = How::new(false);
    let mut opened = how.open(&root);
    let a = create(&opened.call, "a", 0..4);
    let place = a.directory().unwrap();
    assert!(!open_files(&place).is_empty());
    drop_for_now(&opened.call, "a", HOUR).unwrap();
    let gone = a.list(0, 1).map(drop);
    assert!(
        matches!(gone, Err(Error::CollectionNotFound(_))),
        "{gone:?}"
    );
    drop(a);
    for _ in 0..2 {
        assert_eq!(open_files(&place), Vec::<PathBuf>::new());
        // These open it for a while.
        opened.call.rotate_keys(None, &mut |_| ()).unwrap();
        let selection = Selection::Ids(ids(&[3]));
        opened.call.forget(forgetting(selection)).unwrap();
        assert_eq!(open_files(&place), Vec::<PathBuf>::new());
        opened.close().unwrap();
        opened = how.open(&root);
    }
    undelete_collection(&opened.call, "a").unwrap();
    assert_eq!(listed_ids(&opened.call, "a"), ids(&[0, 1, 2]));
    opened.close().unwrap();
}

/// Where a vector is found in the end.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Found {
    Here,
    Waits,
    Gone,
}

/// Where each of the vectors is. It is never found twice.
fn places(call: &Call, ever: &BTreeSet<u32>) -> BTreeMap<u32, Found> {
    let (mut here, mut waits) = (Vec::new(), Vec::new());
    for name in NAMES {
        if call.collection(name).is_ok() {
            let items = listed(call, name);
            for item in &items {
                let number = *ever
                    .iter()
                    .find(|number| *id(**number) == *item.id)
                    .unwrap();
                let same = item.data == Some(row(number))
                    && item.metadata.as_deref() == Some(&*metadata(number))
                    && item.text.as_deref() == Some(&*text(number));
                assert!(same, "{number} is {item:?}");
            }
            here.extend(items.iter().map(|item| item.id.to_string()));
            waits.extend(waiting(call, name));
        }
    }
    let place = |number: &u32| {
        let text = id(*number);
        match (here.contains(&text), waits.contains(&text)) {
            (true, false) => Found::Here,
            (false, true) => Found::Waits,
            (false, false) => Found::Gone,
            (true, true) => panic!("{number} is there and waits"),
        }
    };
    ever.iter().map(|number| (*number, place(number))).collect()
}

/// Steps of which none waits for time to pass. What is put is not synced.
const UNSYNCED: [Step; 17] = [
    Step::Put("a", &[70, 71, 72]),
    Step::Delete("a", &[2, 3, 70]),
    Step::DeleteOne("a", 71),
    Step::DeleteMatching("a", 0),
    Step::Undelete("a", &[4, 3, 70]),
    Step::Delete("a", &[4]),
    Step::Replace("a", 3, 7),
    Step::Purge("a", &[2, 8]),
    Step::Drop("b"),
    Step::Drop("c"),
    Step::Undrop("b"),
    Step::PurgeDropped("c"),
    Step::Delete("d", &[91]),
    Step::Drop("d"),
    Step::Undrop("d"),
    Step::Put("a", &[73]),
    Step::DeleteOne("a", 73),
];

/// What is on disk when the power fails may be any part of what was not synced.
fn power_fails(fsync: Fsync, ledger: bool, times: usize) {
    let store = directory();
    let root = store.path().canonicalize().unwrap();
    let how = How {
        fsync,
        ..How::new(ledger)
    };
    let changes: Arc<Mutex<Vec<Change>>> = Arc::default();
    let (recording, inside) = (changes.clone(), root.clone());
    let files = Files::interrupted_by(move |operation| {
        recording.lock().unwrap().extend(record(&inside, operation));
        None
    });
    let opened = how.open_by(&files, &root).unwrap();
    let mut model = setup(&opened.call);
    let count = || changes.lock().unwrap().len();
    let begin = count();
    let mut models = vec![(begin, model.clone())];
    for step in UNSYNCED {
        apply(&opened.call, step).unwrap();
        model.apply(step, how.clock.now());
        models.push((count(), model.clone()));
    }
    opened.close().unwrap();
    let changes = changes.lock().unwrap().clone();
    let ever = model.ever.clone();
    let purged = [2, 8, 60, 61, 62];
    let mut random = Random(20);
    each_failure(
        &changes,
        begin,
        (times, fsync),
        &mut random,
        |done, context, image, session| {
            let call = session.call();
            let acknowledged = models.iter().rposition(|(end, _)| *end <= done).unwrap();
            let dropped = call.list_deleted(None, 0, 10).unwrap().collections;
            for name in NAMES {
                let is_there = call.collection(name).is_ok();
                let waits = dropped.iter().any(|one| one.name == name);
                assert!(!(is_there && waits), "{context}: {name} is there and waits");
                assert!(
                    is_there || waits || name == "c",
                    "{context}: {name} is lost"
                );
            }
            if fsync == Fsync::Always {
                let next = models.get(acknowledged + 1);
                let found = difference(&call, &models[acknowledged].1);
                if let Some(found) = found {
                    let other = next.map(|next| difference(&call, &next.1));
                    assert_eq!(other, Some(None), "{context}: and {found}");
                }
            }
            for one in dropped {
                undelete_collection(&call, &one.name).unwrap();
            }
            let before = places(&call, &ever);
            for (number, place) in &before {
                // What was put last may be lost with whatever happened to it.
                let may_be_gone = purged.contains(number) || (70..80).contains(number);
                assert!(
                    may_be_gone || *place != Found::Gone,
                    "{context}: {number} is lost"
                );
            }
            // Others get the numbers of what is lost.
            put(&call.collection("a").unwrap(), 80..86, None);
            drop(call);
            session.close().unwrap();
            let opened = how.open(image);
            let call = &opened.call;
            let mut all = ever.clone();
            all.extend(80..86);
            let after = places(call, &all);
            for (number, place) in before {
                assert_eq!(after[&number], place, "{context}: {number}");
            }
            let waits: Vec<u32> = { after.iter() }
                .filter(|(_, place)| **place == Found::Waits)
                .map(|(number, _)| *number)
                .collect();
            for name in NAMES {
                if call.collection(name).is_ok() {
                    undelete_ids(call, name, &waits).unwrap();
                }
            }
            let last = places(call, &all);
            assert!(
                waits.iter().all(|number| last[number] == Found::Here),
                "{context}"
            );
            opened.close().unwrap();
        },
    );
}

#[test]
fn whatever_is_not_synced_when_the_power_goes_everything_is_there_or_waits() {
    power_fails(Fsync::No, false, 4);
    power_fails(Fsync::No, true, 2);
    power_fails(Fsync::Everysec, false, 2);
}

#[test]
fn what_was_acknowledged_of_a_store_that_syncs_always_is_so_when_the_power_goes() {
    power_fails(Fsync::Always, false, 2);
    power_fails(Fsync::Always, true, 2);
}

#[test]
fn a_store_on_a_full_disk_erases_what_waits_in_time_and_puts_nothing_aside() {
    let store = directory();
    let how = How::new(false);
    let capacity = Arc::new(AtomicU64::new(u64::MAX));
    let files = on_disk_of(store.path(), &capacity);
    let opened = how.open_by(&files, store.path()).unwrap();
    let call = &opened.call;
    with_things_waiting(call);
    put(&call.collection("a").unwrap(), 100..200, None);
    let is_full = || capacity.store(used(store.path()), Ordering::SeqCst);
    is_full();
    let many: Vec<u32> = (100..200).collect();
    let refused = delete(call, "a", &many, HOUR);
    assert!(matches!(refused, Err(Error::Storage(_))), "{refused:?}");
    let refused = undelete_ids(call, "a", &[1]);
    assert!(matches!(refused, Err(Error::Storage(_))), "{refused:?}");
    call.check().unwrap();
    assert_eq!(listed_ids(call, "a").len(), 101);
    assert_eq!(waiting(call, "a"), ids(&[1, 2, 3, 6]));
    assert_eq!(purge(call, "a", &[1]).unwrap(), 1);
    assert_eq!(found(store.path(), [1]), Vec::<String>::new());
    opened.close().unwrap();

    how.clock.advance(HOUR);
    is_full();
    let opened = how.open_by(&files, store.path()).unwrap();
    let call = &opened.call;
    assert_eq!(waiting(call, "a"), ids(&[6]));
    let gone = [2, 3, 10, 11, 12];
    eventually("it is not erased", || found(store.path(), gone).is_empty());
    capacity.store(u64::MAX, Ordering::SeqCst);
    assert_eq!(undelete_ids(call, "a", &[6]).unwrap(), 1);
    opened.close().unwrap();
}

#[test]
fn nothing_that_waits_is_erased_while_the_clock_is_paused() {
    const DAY: i64 = 24 * HOUR;
    let store = directory();
    let how = How::new(false);
    let opened = how.open(store.path());
    with_things_waiting(&opened.call);
    opened.close().unwrap();
    how.clock.set(START + 3 * DAY);
    assert!(how.clock.is_paused());
    let opened = how.open(store.path());
    let call = &opened.call;
    // Nobody sees it.
    assert_eq!(waiting(call, "a"), Vec::<String>::new());
    assert!(
        call.list_deleted(None, 0, 10)
            .unwrap()
            .collections
            .is_empty()
    );
    assert_eq!(directories(store.path()).len(), 4);
    for number in [1, 3, 6, 10, 12] {
        assert!(!found(store.path(), [number]).is_empty(), "{number}");
    }
    call.resume_expiry();
    let gone = [1, 2, 3, 6, 10, 11, 12];
    eventually("it is not erased", || found(store.path(), gone).is_empty());
    eventually("files are left", || directories(store.path()).len() == 2);
    assert_eq!(listed_ids(call, "a"), ids(&[5]));
    opened.close().unwrap();
}

#[test]
fn in_an_encrypted_store_what_waits_is_under_its_key_and_comes_back_after_that_is_changed() {
    let user = |number| UserKey {
        key: Key::from([number; KEY]),
        wrapped: Vec::new(),
    };
    let store = directory();
    let how = |number| How {
        user: Some(user(number)),
        ..How::new(false)
    };
    let opened = how(1).open(store.path());
    let call = &opened.call;
    with_things_waiting(call);
    call.rotate_keys(Some(user(2)), &mut |_| ()).unwrap();
    opened.close().unwrap();
    assert!(how(1).open_by(&Files::default(), store.path()).is_err());
    let opened = how(2).open(store.path());
    let call = &opened.call;
    undelete_collection(call, "b").unwrap();
    assert_eq!(undelete_ids(call, "b", &[12]).unwrap(), 1);
    assert_eq!(undelete_ids(call, "a", &[1, 2, 3, 6]).unwrap(), 4);
    assert_eq!(listed_ids(call, "a"), ids(&[5, 1, 2, 3, 6]));
    opened.close().unwrap();
}
