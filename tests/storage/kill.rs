//! A process working on a store is killed at random moments, again and again. Each time, the raw
//! bytes of all files are scanned, and the store is opened and compared with what the process had
//! acknowledged.
//!
//! The process reports every completed operation with a byte through a pipe. Its operations are
//! determined by a seed, so the number of bytes determines what the store has to hold: all of those
//! operations, and the next one either completely or not at all.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    env, fs,
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    panic,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use vectorizer_native::{
    client::{Call, restore_backup},
    collection::{Collection, Method, SearchOptions, dimension_of},
    error::Error,
    storage::{Files, Fsync, Source, verify},
};

use crate::{
    marks::{self, Mark},
    support::{Directory, Open, Random, WAIT},
    thief,
    workload::{self, Contents, Model, Op, Scale},
};

/// Tells this program that it is the process to be killed.
const VICTIM: &str = "VECTORIZER_VICTIM";
/// The number of kills in the long test.
const SOAK: &str = "VECTORIZER_SOAK";
/// The bytes the process writes: one before it opens the store, and one, plus the number of the
/// worker, after an operation. The test harness writes only ASCII.
const OPENING: u8 = 0xe0;
const DONE: u8 = 0xf0;
/// How many times the same store is killed.
const ROUNDS: usize = 8;

const SMALL: Scale = Scale {
    vectors: 40,
    dimension: 8,
    copies: 4,
};
/// Enough for a graph.
const GRAPH: Scale = Scale {
    vectors: 2000,
    dimension: 16,
    copies: 3,
};
/// Records of more than a megabyte, and logs that become worth rewriting.
const LARGE: Scale = Scale {
    vectors: 700,
    dimension: 32,
    copies: 1000,
};

/// What the process to be killed does. Without workers it only opens the store.
#[derive(Serialize, Deserialize)]
struct Plan {
    store: PathBuf,
    backups: PathBuf,
    fsync: String,
    workers: Vec<Worker>,
}

#[derive(Serialize, Deserialize)]
struct Worker {
    model: Model,
    seed: u64,
}

/// Statistics that show how hard the store was tested.
#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    operations: usize,
    /// Operations that had happened without being acknowledged.
    unacknowledged: usize,
    /// Kills that left a log being rewritten, an old log, a graph being saved, or a collection
    /// being created or removed.
    rewriting: usize,
    rewritten: usize,
    saving: usize,
    making: usize,
    removing: usize,
    backups: usize,
    graphs: usize,
}

fn say(what: u8) {
    let mut out = io::stdout().lock();
    if out.write_all(&[what]).and_then(|()| out.flush()).is_err() {
        // Nobody is listening, or is going to kill this process.
        process::exit(0);
    }
}

#[test]
#[ignore = "the process that the other tests kill"]
fn victim() {
    if env::var_os(VICTIM).is_none() {
        return;
    }
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        hook(panic);
        process::exit(1);
    }));
    let plan: Plan = serde_json::from_reader(io::stdin().lock()).unwrap();
    say(OPENING);
    let fsync = fsync_of(&plan.fsync);
    let store = &Open::new(&plan.store, fsync).unwrap();
    let backups = plan.backups.as_path();
    thread::scope(|scope| {
        for (number, worker) in plan.workers.into_iter().enumerate() {
            scope.spawn(move || {
                let (mut model, mut random) = (worker.model, Random(worker.seed));
                loop {
                    let op = model.choose(&mut random);
                    let done = model.perform(&op, &store.call(), backups);
                    model.apply(&op);
                    done.unwrap_or_else(|error| panic!("{op:?}: {error}"));
                    say(DONE + number as u8);
                }
            });
        }
    });
    loop {
        thread::park();
    }
}

fn fsync_of(name: &str) -> Fsync {
    serde_json::from_value(name.into()).unwrap()
}

/// Runs the plan, kills it `delay` after it has written a byte of at least `from`, and returns how
/// many operations each of its workers had acknowledged.
fn run_and_kill(plan: &Plan, from: u8, delay: Duration) -> Vec<usize> {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "kill::victim", "--ignored", "--nocapture"])
        .env(VICTIM, "")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let input = child.stdin.take().unwrap();
    serde_json::to_writer(io::BufWriter::new(input), plan).unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut said = Vec::new();
    while !said.iter().any(|&byte| byte >= from) {
        let mut bytes = [0; 256];
        let read = output.read(&mut bytes).unwrap();
        if read == 0 {
            break;
        }
        said.extend(&bytes[..read]);
    }
    thread::sleep(delay);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "it ended by itself: {status}");
    output.read_to_end(&mut said).unwrap();
    let worker = |number: usize| said.iter().filter(move |&&b| b == DONE + number as u8);
    let workers = 0..plan.workers.len();
    workers.map(|number| worker(number).count()).collect()
}

/// All files below a directory. Files may disappear while others are being read.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(directory) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// Counts the readable marks in a file. A mark that is not `allowed` to be there is an error.
fn marks_in(file: &Path, allowed: impl Fn(&Mark) -> bool) -> Result<HashMap<Mark, u32>, String> {
    let mut counts = HashMap::new();
    for piece in thief::read(file) {
        let mut found = marks::find(&piece).peekable();
        while let Some((_, mark)) = found.next() {
            let mut count = 1;
            while found.next_if(|(_, next)| *next == mark).is_some() {
                count += 1;
            }
            if !allowed(&mark) {
                return Err(format!("{mark:?} can be read in {}", file.display()));
            }
            *counts.entry(mark).or_default() += count;
        }
    }
    Ok(counts)
}

/// Looks for bytes of anything that is not in one of the models.
fn foreign_bytes(store: &Path, models: &[&Model]) -> Option<String> {
    let allowed: HashSet<Mark> = models
        .iter()
        .flat_map(|model| model.marks())
        .map(|(mark, _)| mark)
        .collect();
    let allowed = |mark: &Mark| allowed.contains(mark);
    let found = files(store).into_iter();
    found
        .map(|file| marks_in(&file, allowed))
        .find_map(Result::err)
}

/// The current logs. A replaced log is removed at the next opening.
fn logs(store: &Path) -> BTreeMap<PathBuf, PathBuf> {
    let number = |path: &Path| -> Option<u64> {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix("log.")?.parse().ok()
    };
    let mut logs = files(store);
    logs.retain(|path| number(path).is_some());
    logs.sort_by_key(|path| number(path));
    let logs = logs.into_iter();
    logs.map(|path| (path.parent().unwrap().to_owned(), path))
        .collect()
}

/// Why the logs of a closed store are not what the models say, with everything stored once.
fn wrong_bytes(store: &Path, models: &[&Model]) -> Option<String> {
    let mut found: HashMap<Mark, u32> = HashMap::new();
    for log in logs(store).into_values() {
        for (mark, count) in marks_in(&log, |_| true).unwrap() {
            *found.entry(mark).or_default() += count;
        }
    }
    for (mark, count) in models.iter().flat_map(|model| model.marks()) {
        let times = found.remove(&mark).unwrap_or(0);
        if times != count {
            return Some(format!("{mark:?} is there {times} times and not {count}"));
        }
    }
    let (mark, _) = found.into_iter().next()?;
    Some(format!("{mark:?} is there"))
}

/// Why the collection does not hold the expected contents.
fn wrong_contents(collection: &Collection, expected: &Contents) -> Option<String> {
    let found = collection.list(0, usize::MAX).unwrap();
    let dimension = collection.config().dimension;
    for (item, vector) in found.vectors.iter().zip(expected.vectors()) {
        let row = marks::row(vector.row, dimension);
        let same = *item.id == workload::id(vector.id)
            && item.data.as_ref() == Some(&row)
            && item.metadata == vector.metadata.map(workload::metadata)
            && item.text == vector.text.map(|text| expected.text(text));
        if !same {
            return Some(format!("{item:?} where {vector:?} should be"));
        }
    }
    let (found, expected) = (found.total, expected.len());
    (found != expected).then(|| format!("{found} vectors where {expected} should be"))
}

/// Why the store does not hold the contents of the model.
fn wrong_store(call: &Call, model: &Model) -> Option<String> {
    for (&name, expected) in model.collections() {
        let why = match call.collection(&workload::name(name)) {
            Ok(collection) => wrong_contents(&collection, expected),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = why {
            return Some(format!("{name:#x}: {why}"));
        }
    }
    let all = call.collections();
    let names = all.iter().map(|c| number_of(&c.name()));
    let unknown = |name: &u32| model.owns(*name) && !model.collections().contains_key(name);
    let mut unknown = names.filter(unknown);
    Some(format!("there is a collection {:#x}", unknown.next()?))
}

fn number_of(name: &str) -> u32 {
    let (_, mark) = marks::find(name.as_bytes()).next().unwrap();
    mark.number
}

/// Checks everything a store reports other than by a list, for random vectors. `gone` are ids that
/// no vector has.
fn check_reads(
    collection: &std::sync::Arc<Collection>,
    expected: &Contents,
    gone: &[u32],
    random: &mut Random,
) {
    let count = |filter| collection.count(WAIT, filter).unwrap();
    assert_eq!(count(None), expected.len());
    let tag = random.below(7) as u32;
    let tagged = workload::tagged(tag);
    assert_eq!(count(Some(&tagged)), expected.tagged(tag));
    let gone: Vec<String> = gone.iter().map(|&id| workload::id(id)).collect();
    for id in &gone {
        let found = collection.get(WAIT, id);
        assert!(matches!(found, Err(Error::VectorNotFound { .. })), "{id}");
    }
    assert_eq!(collection.verify_erased(&gone).unwrap(), []);
    let step = 1 + expected.len() / 8;
    let some = expected.vectors().skip(random.below(step)).step_by(step);
    let (mut walks, mut hits) = (0, 0);
    for vector in some {
        let id = workload::id(vector.id);
        let row = marks::row(vector.row, expected.dimension());
        let got = collection.get(WAIT, &id).unwrap();
        assert_eq!(got.data.as_ref(), Some(&row));
        let search = |method| {
            let options = SearchOptions {
                limit: 3,
                method,
                ..SearchOptions::default()
            };
            collection.search(row.clone(), &options).unwrap()
        };
        assert_eq!(*search(Method::Scan)[0].id, *id);
        walks += 1;
        hits += usize::from(*search(Method::Walk)[0].id == *id);
    }
    // A graph may miss one if links were lost; a wrong graph misses most.
    assert!(hits * 4 >= walks * 3, "{hits} of {walks} are found");
}

/// A worker's operations up to the kill, which determine what the store may hold.
struct Outcome {
    /// Without and with the operation that was in progress.
    before: Model,
    after: Model,
    last: Op,
}

/// One store that is killed again and again.
struct Chain {
    directory: Directory,
    fsync: &'static str,
    models: Vec<Model>,
    delay: usize,
    random: Random,
}

impl Chain {
    fn new(seed: u64, fsync: &'static str, turn: usize) -> Self {
        let (scales, delay) = match turn % 4 {
            0 => (vec![SMALL], 30_000),
            1 => (vec![GRAPH], 400_000),
            2 => (vec![SMALL, SMALL, SMALL], 60_000),
            _ => (vec![LARGE, SMALL], 250_000),
        };
        let models = scales.into_iter().enumerate();
        let directory = Directory::new();
        fs::create_dir(directory.join("backups")).unwrap();
        Self {
            directory,
            fsync,
            models: models.map(|(i, scale)| Model::new(i, scale)).collect(),
            delay,
            random: Random(seed),
        }
    }

    fn store(&self) -> PathBuf {
        self.directory.join("store")
    }

    fn backups(&self) -> PathBuf {
        self.directory.join("backups")
    }

    fn plan(&self, workers: Vec<Worker>) -> Plan {
        Plan {
            store: self.store(),
            backups: self.backups(),
            fsync: self.fsync.to_owned(),
            workers,
        }
    }

    fn delay(&mut self, most: usize) -> Duration {
        Duration::from_micros(self.random.below(most) as u64)
    }

    /// Lets a process work on the store, kills it, and checks what is left.
    fn round(&mut self, tally: &mut Tally) {
        let seeds: Vec<u64> = self.models.iter().map(|_| self.random.next()).collect();
        let workers = self.models.iter().zip(&seeds);
        let workers = workers.map(|(model, &seed)| Worker {
            model: model.clone(),
            seed,
        });
        let plan = self.plan(workers.collect());
        let acknowledged = match self.random.below(5) == 0 {
            // While it opens the store, or soon after.
            true => run_and_kill(&plan, OPENING, self.delay(8000)),
            false => run_and_kill(&plan, DONE, self.delay(self.delay)),
        };
        let models = std::mem::take(&mut self.models).into_iter();
        let outcomes: Vec<Outcome> = models
            .zip(seeds)
            .zip(acknowledged)
            .map(|((model, seed), count)| self.replay(model, seed, count, tally))
            .collect();
        self.look(&outcomes, tally);
        while self.random.below(4) == 0 {
            let plan = self.plan(Vec::new());
            run_and_kill(&plan, OPENING, self.delay(4000));
            self.look(&outcomes, tally);
        }
        self.models = self.reopen(outcomes, tally);
        fs::remove_dir_all(self.backups()).unwrap();
        fs::create_dir(self.backups()).unwrap();
    }

    /// Repeats the acknowledged operations, and the one that follows, in the model.
    fn replay(&mut self, model: Model, seed: u64, count: usize, tally: &mut Tally) -> Outcome {
        let (mut before, mut random) = (model, Random(seed));
        for _ in 0..count {
            let op = before.choose(&mut random);
            let file = |number| self.backups().join(workload::backup(number));
            match op {
                Op::BackUp { number } => {
                    self.check_backup(&file(number), &before);
                    tally.backups += 1;
                }
                Op::DeleteTagged {
                    name,
                    tag,
                    backup: Some(number),
                } => {
                    let deleted = before.collections()[&name].tagged(tag);
                    check_deleted(&file(number), deleted);
                    tally.backups += 1;
                }
                _ => {}
            }
            before.apply(&op);
        }
        let mut after = before.clone();
        let last = after.choose(&mut random);
        after.apply(&last);
        tally.operations += count;
        Outcome {
            before,
            after,
            last,
        }
    }

    /// Checks that the backup holds the model, as far as it goes, and nothing that was deleted.
    fn check_backup(&mut self, file: &Path, model: &Model) {
        let expected: HashMap<Mark, u32> = model.marks().collect();
        let found = marks_in(file, |mark| {
            !model.owns(mark.number) || expected.contains_key(mark)
        });
        let found = found.unwrap();
        assert!(expected.iter().all(|(mark, n)| found.get(mark) == Some(n)));
        verify(
            &Files::default(),
            file,
            Source::default(),
            None,
            dimension_of,
            |_, _| (),
        )
        .unwrap();
        if self.random.below(4) == 0 {
            let directory = Directory::new();
            let path = directory.join("restored");
            restore_backup(file, &path, Source::default(), None, &mut |_, _| ()).unwrap();
            let store = Open::new(&path, Fsync::No).unwrap();
            assert_eq!(wrong_store(&store.call(), model), None);
            store.close().unwrap();
        }
    }

    /// Scans the files as the killed process left them. They contain nothing that was deleted; only
    /// the operation in progress may be half done.
    fn look(&self, outcomes: &[Outcome], tally: &mut Tally) {
        tally.kills += 1;
        let store = self.store();
        let models: Vec<&Model> = outcomes
            .iter()
            .flat_map(|outcome| [&outcome.before, &outcome.after])
            .collect();
        let under_way: Vec<&Op> = outcomes.iter().map(|o| &o.last).collect();
        if let Some(what) = foreign_bytes(&store, &models) {
            panic!("before it is opened, {what}; under way: {under_way:?}");
        }
        let names: Vec<String> = files(&store)
            .iter()
            .map(|path| path.strip_prefix(&store).unwrap().display().to_string())
            .collect();
        let any = |what: &dyn Fn(&str) -> bool| usize::from(names.iter().any(|name| what(name)));
        let in_place = |name: &str| !name.contains(".new/") && !name.contains(".dropped/");
        tally.rewriting +=
            any(&|name| in_place(name) && name.contains("/log.") && name.ends_with(".new"));
        tally.saving += any(&|name| name.ends_with("/graph.new"));
        tally.graphs += any(&|name| name.ends_with("/graph"));
        tally.making += any(&|name| name.contains(".new/"));
        tally.removing += any(&|name| name.contains(".dropped/"));
        let numbered = names
            .iter()
            .filter(|name| in_place(name) && name.contains("/log.") && !name.ends_with(".new"));
        tally.rewritten += usize::from(numbered.count() > logs(&store).len());
    }

    /// Opens the store, checks that it matches one of the outcomes, and returns which.
    fn reopen(&mut self, outcomes: Vec<Outcome>, tally: &mut Tally) -> Vec<Model> {
        let path = self.store();
        let opened = Open::new(&path, fsync_of(self.fsync));
        let store = opened.unwrap_or_else(|error| panic!("it cannot be opened: {error}"));
        let call = store.call();
        let mut models = Vec::new();
        let mut gone = Vec::new();
        for outcome in outcomes {
            let Outcome {
                before,
                after,
                last,
            } = outcome;
            let undone = wrong_store(&call, &before);
            let done = wrong_store(&call, &after);
            let (mut model, other) = match (&undone, &done) {
                (None, _) => (before, after),
                (_, None) => {
                    tally.unacknowledged += 1;
                    (after, before)
                }
                (Some(undone), Some(done)) => panic!(
                    "without {last:?} it would not have {undone}; with it, it would not have {done}"
                ),
            };
            model.skip_numbers_of(&other);
            gone.push(ids_only_in(&other, &model));
            models.push(model);
        }
        let all: Vec<&Model> = models.iter().collect();
        if let Some(what) = foreign_bytes(&path, &all) {
            panic!("after it was opened, {what}");
        }
        for (model, gone) in models.iter().zip(&gone) {
            for (&name, contents) in model.collections() {
                let collection = call.collection(&workload::name(name)).unwrap();
                check_reads(&collection, contents, gone, &mut self.random);
            }
        }
        let known = |c: &&std::sync::Arc<Collection>| {
            let number = number_of(&c.name());
            all.iter()
                .any(|model| model.collections().contains_key(&number))
        };
        let collections = call.collections();
        assert_eq!(collections.iter().filter(known).count(), collections.len());
        drop(call);
        store.close().unwrap();
        if let Some(what) = foreign_bytes(&path, &all).or_else(|| wrong_bytes(&path, &all)) {
            panic!("after it was closed, {what}");
        }
        models
    }
}

/// Checks that the backup holds what was deleted, if anything was.
fn check_deleted(file: &Path, deleted: usize) {
    if deleted == 0 {
        assert!(!file.exists());
        return;
    }
    let found = verify(
        &Files::default(),
        file,
        Source::default(),
        None,
        dimension_of,
        |_, _| (),
    )
    .unwrap();
    assert_eq!(found.vectors, deleted as u64);
}

/// Some ids that `other` has and `model` does not.
fn ids_only_in(other: &Model, model: &Model) -> Vec<u32> {
    let held = |id| model.collections().values().any(|c| c.holds(id));
    let ids = other.collections().values().flat_map(Contents::vectors);
    let gone = ids.map(|vector| vector.id).filter(|&id| !held(id));
    gone.take(20).collect()
}

/// Performs the given number of kills, with stores of all kinds.
fn kill(kills: usize, fsync: &'static str, seed: u64, mut progress: impl FnMut(&Tally)) -> Tally {
    let mut tally = Tally::default();
    for turn in 0.. {
        if tally.kills >= kills {
            break;
        }
        let mut chain = Chain::new(seed + turn as u64, fsync, turn);
        for _ in 0..ROUNDS {
            if tally.kills < kills {
                chain.round(&mut tally);
            }
        }
        progress(&tally);
    }
    tally
}

fn claim(kills: usize, fsync: &'static str) {
    let tally = kill(kills, fsync, kills as u64 * 1000, |_| ());
    println!("{fsync}: {tally:?}");
}

#[test]
fn with_fsync_always_a_killed_process_loses_nothing_acknowledged_and_leaves_nothing_deleted() {
    claim(66, "always");
}

#[test]
fn with_fsync_everysec_a_killed_process_loses_nothing_acknowledged_and_leaves_nothing_deleted() {
    claim(67, "everysec");
}

#[test]
fn with_fsync_no_a_killed_process_loses_nothing_acknowledged_and_leaves_nothing_deleted() {
    claim(68, "no");
}

/// Like the tests above, for as many kills as requested, on different stores each time.
#[test]
#[ignore = "takes as long as it is told to: npm run soak"]
fn soak() {
    let kills: usize = match env::var(SOAK) {
        Ok(kills) => kills.parse().expect("VECTORIZER_SOAK is a number of kills"),
        Err(_) => 3000,
    };
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seed = seed.unwrap().as_micros() as u64;
    thread::scope(|scope| {
        for fsync in ["always", "everysec", "no"] {
            scope.spawn(move || {
                kill(kills.div_ceil(3), fsync, seed, |tally| {
                    eprintln!("fsync {fsync}, seed {seed}: {tally:?}");
                })
            });
        }
    });
}
