//! How fast memory is: `bench/memory` runs it, built for release. Prints one JSON object.
//!
//! A server in this process, asked over HTTP on connections that stay: imports by so many clients as there are tenants, four
//! at most, then recalls one after the other, each of another query of three to eight words. Texts are made of 30,000
//! words as often as words are by Zipf's law, without the most frequent 36, which texts have and an index does not; about
//! twenty a text, in conversations of twenty turns.
use aifirst::{
    app::{App, Running},
    config::Config,
    shared::{Ambient, http},
};
use serde_json::{Value, json};
use std::{
    error::Error,
    time::{Duration, Instant},
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const IMPORT: &str = "mutation($ws: ID!, $items: [ImportMemoryItem!]!) {
    importMemories(input: {workspaceId: $ws, items: $items}) { created userErrors { message } } }";
const RECALL: &str = "query($ws: ID!, $q: String!) { workspace(id: $ws) {
    recall(input: {query: $q, limit: 10}) { hits { score item { ... on Memory { id text } } } usedTokens } } }";
const WORDS: u64 = 30_000;
const BATCH: usize = 1000;

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A word: the n-th most frequent one is n times rarer than the first.
    fn word(&mut self) -> String {
        let fraction = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let mut number = (WORDS as f64).powf(0.35 + 0.65 * fraction) as u64 + 1000;
        let mut word = String::new();
        while number > 0 {
            word.push(char::from(b"bcdfghklmnprstvz"[(number % 16) as usize]));
            word.push(char::from(b"aeio"[(number / 16 % 4) as usize]));
            number /= 64;
        }
        word
    }

    fn words(&mut self, least: u64, most: u64) -> String {
        let count = least + self.next() % (most - least + 1);
        (0..count).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

struct Tenant {
    token: String,
    workspace: String,
}

struct Bench {
    running: Running,
    http: reqwest::Client,
    url: String,
}

impl Bench {
    async fn ask(&self, token: &str, document: &str, variables: Value) -> Outcome<Value> {
        let body = json!({ "query": document, "variables": variables });
        let answer: Value =
            self.http.post(&self.url).bearer_auth(token).json(&body).send().await?.json().await?;
        match answer.get("errors") {
            Some(errors) => Err(errors.to_string().into()),
            None => Ok(answer["data"].clone()),
        }
    }

    async fn tenant(&self, number: usize) -> Outcome<Tenant> {
        let account = &self.running.services.account;
        let user = account.create_user(&format!("Tenant {number}"), None).await?;
        let token = account.mint_key(user, "bench").await?;
        let create = "mutation($slug: String!) { createWorkspace(input: {name: $slug, slug: $slug}) { workspace { id } } }";
        let slug = format!("bench-{number}-{}", user.to_string().to_lowercase().replace('_', "-"));
        let made = self.ask(&token, create, json!({ "slug": slug })).await?;
        let workspace = made["createWorkspace"]["workspace"]["id"].as_str().ok_or("no workspace")?.to_owned();
        Ok(Tenant { token, workspace })
    }

    async fn import(&self, tenant: &Tenant, seed: u64, count: usize) -> Outcome<()> {
        let mut dice = Dice(seed);
        for begin in (0..count).step_by(BATCH) {
            let items = (begin..count.min(begin + BATCH)).map(|number| {
                json!({ "externalId": number.to_string(), "text": dice.words(5, 35), "collection": format!("c{}", number / 20),
                    "occurredAt": "2026-05-08T13:56:00Z", "speaker": if number % 2 == 0 { "Ana" } else { "Ben" } })
            });
            let items: Vec<_> = items.collect();
            self.ask(&tenant.token, IMPORT, json!({ "ws": tenant.workspace, "items": items })).await?;
        }
        Ok(())
    }

    /// Milliseconds of one recall each, in turn with the tenants.
    async fn recalls(&self, tenants: &[Tenant], count: usize) -> Outcome<Vec<f64>> {
        let mut dice = Dice(99);
        let mut times = vec![];
        for tenant in tenants.iter().cycle().take(count) {
            let variables = json!({ "ws": tenant.workspace, "q": dice.words(3, 8) });
            let begun = Instant::now();
            self.ask(&tenant.token, RECALL, variables).await?;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_unstable_by(f64::total_cmp);
        Ok(times)
    }
}

fn percentiles(times: &[f64]) -> Value {
    let at = |percent: usize| {
        times
            .get((times.len() * percent).div_ceil(100).saturating_sub(1))
            .map(|time| (time * 100.0).round() / 100.0)
    };
    json!({ "p50Ms": at(50), "p99Ms": at(99), "maxMs": at(100), "recalls": times.len() })
}

/// Resident memory of this process, in MiB.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

fn number(name: &str, otherwise: usize) -> Outcome<usize> {
    argument(name).map_or(Ok(otherwise), |number| Ok(number.parse()?))
}

#[expect(clippy::print_stdout, reason = "the figures")]
#[tokio::main(flavor = "multi_thread")]
async fn main() -> Outcome<()> {
    let (tenants, memories) = (number("--tenants", 1)?, number("--memories", 100_000)?);
    let recalls = number("--recalls", 1000)?;
    let ambient = Ambient::system();
    let folder = std::env::temp_dir().join(format!("aifirst-bench-{}", ambient.ids.uuid().simple()));
    let url = argument("--database").unwrap_or_default();
    let settings = format!(
        "listen = '127.0.0.1:0'\nadmin_listen = '127.0.0.1:0'\ndata_dir = '{}'\ndatabase.url = '{url}'\nhttp.cost_per_minute = 4294967295",
        folder.display()
    );
    let running = App::open(Config::with(&settings)?, ambient).await?.start().await?;
    let url = format!("http://{}/graphql", running.address);
    let bench = Bench { running, http: http::plain()?, url };
    let told = measured(&bench, tenants, memories, recalls).await;
    bench.running.stop().await;
    std::fs::remove_dir_all(&folder)?;
    println!("{}", told?);
    Ok(())
}

async fn measured(bench: &Bench, tenants: usize, memories: usize, recalls: usize) -> Outcome<Value> {
    let before = resident();
    let mut made = vec![];
    for number in 0..tenants {
        made.push(bench.tenant(number).await?);
    }
    let begun = Instant::now();
    for (group, tenants) in made.chunks(4).enumerate() {
        let imports = (1..)
            .zip(tenants)
            .map(|(place, tenant)| bench.import(tenant, group as u64 * 4 + place, memories));
        futures_util::future::try_join_all(imports).await?;
    }
    let imported = begun.elapsed().max(Duration::from_millis(1));
    let begun = Instant::now();
    bench.recalls(&made[..1], 1).await?;
    let first = begun.elapsed();
    // Each tenant's copy is there before it is measured.
    bench.recalls(&made, tenants).await?;
    let alone = bench.recalls(&made[..1], recalls).await?;
    let among = bench.recalls(&made, recalls.max(tenants)).await?;
    Ok(json!({
        "tenants": tenants,
        "memoriesOfEach": memories,
        "importedPerSecond": ((tenants * memories) as f64 / imported.as_secs_f64()).round(),
        "firstRecallMs": first.as_millis() as u64,
        "recallOfOne": percentiles(&alone),
        "recallOfAll": percentiles(&among),
        "residentMiB": resident(),
        "residentBeforeMiB": before,
    }))
}
