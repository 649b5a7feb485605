//! How fast memory is: `bench/memory` runs it, built for release. Prints one JSON object.
//!
//! A server in this process, asked over HTTP on connections that stay: imports by so many clients as there are tenants, four
//! at most, then recalls one after the other, each of another query of three to eight words. Texts are made of 30,000
//! words as often as words are by Zipf's law, without the most frequent 36, which texts have and an index does not; about
//! twenty a text, in conversations of twenty turns. With `--texts` and `--queries` (JSON Lines with `text` and `speaker`,
//! `question` or `query`) they are what people said: the first half of one text with the second half of another.
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

/// What is remembered and asked.
#[derive(Default)]
struct Words {
    /// With the speaker. None: made of numbers.
    texts: Vec<(String, String)>,
    queries: Vec<String>,
}

impl Words {
    fn read() -> Outcome<Self> {
        let lines = |name: &str| -> Outcome<Vec<Value>> {
            let Some(file) = argument(name) else { return Ok(vec![]) };
            let lines = std::fs::read_to_string(file)?;
            lines.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
        };
        let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let texts =
            lines("--texts")?.iter().map(|line| (string(&line["text"]), string(&line["speaker"]))).collect();
        let queries = lines("--queries")?;
        let queries =
            queries.iter().map(|line| string(line.get("question").unwrap_or(&line["query"]))).collect();
        Ok(Self { texts, queries })
    }

    fn memory(&self, number: usize, dice: &mut Dice) -> (String, String) {
        let Some((first, speaker)) = self.texts.get(number % self.texts.len().max(1)) else {
            return (dice.words(5, 35), if number.is_multiple_of(2) { "Ana" } else { "Ben" }.to_owned());
        };
        let (second, _) = &self.texts[(number + number / self.texts.len()) % self.texts.len()];
        let (first, second): (Vec<_>, Vec<_>) = (first.split(' ').collect(), second.split(' ').collect());
        let halves = [&first[..first.len() / 2], &second[second.len() / 2..]].concat();
        (halves.join(" ") + ".", speaker.clone())
    }

    fn query(&self, number: usize, dice: &mut Dice) -> String {
        let query = self.queries.get(number % self.queries.len().max(1));
        query.cloned().unwrap_or_else(|| dice.words(3, 8))
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
    words: Words,
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
                let (text, speaker) = self.words.memory(number, &mut dice);
                let mut item = json!({ "externalId": number.to_string(), "text": text, "occurredAt": "2026-05-08T13:56:00Z",
                    "collection": format!("c{}", number / 20) });
                if !speaker.is_empty() {
                    item["speaker"] = speaker.into();
                }
                item
            });
            let items: Vec<_> = items.collect();
            self.ask(&tenant.token, IMPORT, json!({ "ws": tenant.workspace, "items": items })).await?;
        }
        Ok(())
    }

    /// How long recalls took, in turn with the tenants.
    async fn recalls(&self, tenants: &[Tenant], count: usize) -> Outcome<Value> {
        let mut dice = Dice(99);
        let mut times = vec![];
        let before = processor();
        for (number, tenant) in tenants.iter().cycle().take(count).enumerate() {
            let variables = json!({ "ws": tenant.workspace, "q": self.words.query(number, &mut dice) });
            let begun = Instant::now();
            self.ask(&tenant.token, RECALL, variables).await?;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        let processor = processor().zip(before).map(|(after, before)| (after - before) / count as f64);
        times.sort_unstable_by(f64::total_cmp);
        let at = |percent: usize| {
            let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(place).copied().map(rounded)
        };
        Ok(json!({ "p50Ms": at(50), "p99Ms": at(99), "minMs": at(0), "maxMs": at(100), "recalls": count,
            "processorMsOfEach": processor.map(rounded) }))
    }
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// Milliseconds of processor time that this process took so far, client and server.
fn processor() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name, which may have anything in it.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok());
    // A hundred ticks a second, on Linux everywhere.
    Some((ticks(11)? + ticks(12)?) * 10.0)
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
    let bench = Bench { running, http: http::plain()?, url, words: Words::read()? };
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
    let (begun, processor_before) = (Instant::now(), processor());
    for (group, tenants) in made.chunks(4).enumerate() {
        let imports = (1..)
            .zip(tenants)
            .map(|(place, tenant)| bench.import(tenant, group as u64 * 4 + place, memories));
        futures_util::future::try_join_all(imports).await?;
    }
    let imported = begun.elapsed().max(Duration::from_millis(1));
    let processor = processor().zip(processor_before).map(|(after, before)| after - before);
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
        "importProcessorMsOfThousand": processor.map(|ms| rounded(ms * 1000.0 / (tenants * memories) as f64)),
        "firstRecallMs": first.as_millis() as u64,
        "recallOfOne": alone,
        "recallOfAll": among,
        "residentMiB": resident(),
        "residentBeforeMiB": before,
    }))
}
