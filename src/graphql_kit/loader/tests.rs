use super::*;
use futures_util::{future::join_all, stream};
use proptest::prelude::*;
use std::collections::BTreeSet;
use tokio::sync::Notify;

/// Gives each key's double, out of another task, as a database does; counts its batches.
#[derive(Default)]
struct Doubling {
    batches: Mutex<Vec<Vec<u32>>>,
    /// Of turns that a batch takes.
    slowness: u32,
    /// A batch ends only then.
    hold: Option<Notify>,
}

impl Doubling {
    fn batches(&self) -> Vec<Vec<u32>> {
        locked(&self.batches).clone()
    }
}

tokio::task_local! {
    static CALLER: &'static str;
}

async fn turns(count: u32) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

impl<const NAME: char> Loader<(Name<NAME>, u32)> for Doubling {
    type Value = u32;

    async fn load(&self, keys: &[(Name<NAME>, u32)]) -> Loaded<HashMap<(Name<NAME>, u32), u32>> {
        locked(&self.batches).push(keys.iter().map(|key| key.1).collect());
        if let Some(hold) = &self.hold {
            hold.notified().await;
        }
        tokio::spawn(turns(self.slowness)).await.unwrap();
        assert!(keys.iter().all(|key| key.1 != PANIC), "a fault of the loader");
        if keys.iter().any(|key| key.1 == FAIL) {
            return Err(ApiError::new(
                ErrorCode::Unavailable,
                CALLER.try_with(|it| *it).unwrap_or("not now"),
            ));
        }
        Ok(keys.iter().filter(|key| key.1 != NONE).map(|key| (*key, key.1 * 2)).collect())
    }
}

/// Tells loaders apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Name<const NAME: char>;

const PANIC: u32 = 1_000_001;
const FAIL: u32 = 1_000_002;
const NONE: u32 = 1_000_003;

/// Executes what loads by `batches`.
async fn execute<F: Future>(execution: impl FnOnce(Batches) -> F) -> F::Output {
    let batches = Batches::default();
    Batching::new(execution(batches.clone()), batches).await
}

async fn load(batches: &Batches, loader: &Arc<Doubling>, key: u32) -> Loaded<Option<u32>> {
    batches.load((Name::<'a'>, key), || Ok(Arc::clone(loader))).await
}

/// An object of an answer, which loads one key, and then those of what is in it.
#[derive(Clone, Debug)]
struct Object {
    loader: usize,
    key: u32,
    objects: Vec<Self>,
}

fn object() -> impl Strategy<Value = Object> {
    let leaf = (0..3_usize, 0..20_u32).prop_map(|(loader, key)| Object { loader, key, objects: vec![] });
    leaf.prop_recursive(5, 200, 40, |inner| {
        (0..3_usize, 0..20_u32, prop::collection::vec(inner, 0..40))
            .prop_map(|(loader, key, objects)| Object { loader, key, objects })
    })
}

type Loaders = [Arc<Doubling>; 3];

/// Keys of different levels differ: else one that is under way yet would be shared.
fn resolve<'a>(
    object: &'a Object,
    level: u32,
    batches: &'a Batches,
    loaders: &'a Loaders,
) -> BoxFuture<'a, bool> {
    async move {
        let (loader, key) = (|| Ok(Arc::clone(&loaders[object.loader])), object.key + 100 * level);
        let value = match object.loader {
            0 => batches.load((Name::<'a'>, key), loader).await,
            1 => batches.load((Name::<'b'>, key), loader).await,
            _ => batches.load((Name::<'c'>, key), loader).await,
        };
        // As async-graphql executes the fields of an object.
        let objects: FuturesUnordered<_> =
            object.objects.iter().map(|object| resolve(object, level + 1, batches, loaders)).collect();
        let all = objects.fold(true, async |all, one| all && one).await;
        all && value.unwrap() == Some(key * 2)
    }
    .boxed()
}

/// The levels on which each loader is asked.
fn levels(object: &Object, level: usize, of: &mut [BTreeSet<usize>; 3]) {
    of[object.loader].insert(level);
    object.objects.iter().for_each(|object| levels(object, level + 1, of));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_tree_gets_its_values_by_one_batch_of_each_loader_for_each_level(
        tree in object(), slowness in prop::array::uniform3(0..5_u32), threads in 1..3_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build().unwrap();
        let loaders = slowness.map(|slowness| Arc::new(Doubling { slowness, ..Default::default() }));
        let (asked, by) = (tree.clone(), loaders.clone());
        let execution = execute(|batches| async move { resolve(&asked, 0, &batches, &by).await });
        let all = runtime.block_on(async { tokio::spawn(execution).await.unwrap() });
        prop_assert!(all);
        let mut expected = Default::default();
        levels(&tree, 0, &mut expected);
        for (loader, levels) in loaders.iter().zip(expected) {
            let batches = loader.batches();
            prop_assert_eq!(batches.len(), levels.len());
            for batch in batches {
                let different: BTreeSet<_> = batch.iter().collect();
                prop_assert_eq!(different.len(), batch.len());
            }
        }
    }
}

#[tokio::test]
async fn a_key_under_way_is_shared_and_a_key_that_came_is_loaded_again() {
    let loader = Arc::new(Doubling { hold: Some(Notify::new()), ..Default::default() });
    let by = loader.clone();
    execute(|batches| async move {
        let later = async {
            while by.batches().is_empty() {
                turns(1).await;
            }
            let shared = load(&batches, &by, 4);
            let let_go = async { by.hold.as_ref().unwrap().notify_one() };
            tokio::join!(biased; shared, let_go).0
        };
        let (first, second) = tokio::join!(load(&batches, &by, 4), later);
        assert_eq!((first.unwrap(), second.unwrap()), (Some(8), Some(8)));
        assert_eq!(by.batches().len(), 1);
        by.hold.as_ref().unwrap().notify_one();
        assert_eq!(load(&batches, &by, 4).await.unwrap(), Some(8));
    })
    .await;
    assert_eq!(loader.batches(), [[4], [4]]);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_neither_loaded_nor_shared() {
    let loader = Arc::new(Doubling { hold: Some(Notify::new()), ..Default::default() });
    let by = loader.clone();
    execute(|batches| async move {
        // Given up before its batch began.
        assert!(load(&batches, &by, 1).now_or_never().is_none());
        // Given up while it is under way: its batch may have read before something was written.
        let begun = async {
            while by.batches().is_empty() {
                turns(1).await;
            }
        };
        tokio::select! {
            _ = load(&batches, &by, 2) => panic!("it is held"),
            () = begun => {}
        }
        let let_go = async {
            for _ in 0..2 {
                by.hold.as_ref().unwrap().notify_one();
                turns(5).await;
            }
        };
        assert_eq!(tokio::join!(load(&batches, &by, 2), let_go).0.unwrap(), Some(4));
    })
    .await;
    assert_eq!(loader.batches(), [[2], [2]]);
}

#[tokio::test]
async fn each_that_waits_gets_the_error_or_that_there_is_nothing() {
    let loader = Arc::new(Doubling::default());
    let by = loader.clone();
    let execution = execute(|batches| async move {
        let failed = join_all([3, FAIL, 5].map(|key| load(&batches, &by, key))).await;
        for one in failed {
            let error = one.unwrap_err();
            assert_eq!((error.code(), error.message()), (ErrorCode::Unavailable, "of this task"));
        }
        assert_eq!(load(&batches, &by, NONE).await.unwrap(), None);
    });
    CALLER.scope("of this task", execution).await;
    assert_eq!(loader.batches(), [vec![3, FAIL, 5], vec![NONE]]);
}

#[tokio::test]
async fn a_panic_in_a_loader_reaches_the_execution() {
    let loader = Arc::new(Doubling::default());
    let execution = execute(|batches| async move { load(&batches, &loader, PANIC).await });
    assert!(std::panic::AssertUnwindSafe(execution).catch_unwind().await.is_err());
}

#[tokio::test]
async fn a_batch_has_a_thousand_keys_at_most() {
    let loader = Arc::new(Doubling::default());
    let by = loader.clone();
    let all = execute(|batches| async move {
        join_all((0..2_500).map(|key| load(&batches, &by, key)))
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
    });
    assert_eq!(all.await, (0..2_500).map(|key| Some(key * 2)).collect::<Vec<_>>());
    assert_eq!(loader.batches().iter().map(Vec::len).collect::<Vec<_>>(), [1_000, 1_000, 500]);
}

#[tokio::test]
async fn each_event_of_a_stream_loads_by_batches() {
    let loader = Arc::new(Doubling::default());
    let batches = Batches::default();
    let (by, with) = (loader.clone(), batches.clone());
    let events = stream::iter([10, 20]).then(move |first| {
        let (by, with) = (by.clone(), with.clone());
        async move { join_all([first, first + 1].map(|key| load(&with, &by, key))).await }
    });
    let told: Vec<_> = Batching::new(events, batches).collect().await;
    assert_eq!(
        told.into_iter().flatten().map(Result::unwrap).collect::<Vec<_>>(),
        [20, 22, 40, 42].map(Some)
    );
    assert_eq!(loader.batches(), [[10, 11], [20, 21]]);
}
