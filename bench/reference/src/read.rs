//! The three reads.
use crate::{Call, Outcome, Refusal, id, json::Json};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

impl Call<'_> {
    pub fn id(&self, name: &str, prefix: &str) -> Result<Uuid, Refusal> {
        let text = self.variables[name].as_str().ok_or(Refusal::BadInput)?;
        id::parse(prefix, text).ok_or(Refusal::BadInput)
    }
}

pub async fn point(call: &Call<'_>) -> Outcome {
    let id = call.id("id", "mem")?;
    let (key, hash) = (&call.credential.key, &call.credential.hash);
    let row = call.client.client.query_opt(&call.client.point, &[key, hash, &id]).await?;
    let mut out = Vec::with_capacity(512);
    out.raw("{\"data\":{\"node\":");
    match row {
        Some(row) => memory(&mut out, &row),
        None => out.raw("null"),
    }
    out.raw("}}");
    Ok(out)
}

fn memory(out: &mut Vec<u8>, row: &Row) {
    out.raw("{\"id\":");
    out.id("mem", row.get(0));
    out.raw(",\"text\":");
    out.string(row.get(1));
    out.raw(",\"kind\":");
    out.string(row.get(2));
    out.raw(",\"createdAt\":");
    out.time(row.get(3));
    out.raw("}");
}

pub async fn nested(call: &Call<'_>) -> Outcome {
    let workspace = call.id("ws", "ws")?;
    let (key, hash) = (&call.credential.key, &call.credential.hash);
    let rows = call.client.client.query(&call.client.nested, &[key, hash, &workspace]).await?;
    let mut out = Vec::with_capacity(48 * 1024);
    out.raw("{\"data\":{\"workspace\":{\"coachingSessions\":{\"nodes\":[");
    let (mut session, mut message) = (None, None);
    let (mut first, mut first_message, mut first_citation) = (true, true, true);
    for row in &rows {
        let id: Uuid = row.get(0);
        if session != Some(id) {
            close(&mut out, message.take(), session);
            session = Some(id);
            out.comma(&mut first);
            out.raw("{\"id\":");
            out.id("cs", id);
            out.raw(",\"topic\":");
            out.maybe(row.get(1));
            out.raw(",\"status\":");
            out.string(row.get(2));
            out.raw(",\"createdAt\":");
            out.time(row.get(3));
            out.raw(",\"messages\":{\"nodes\":[");
            first_message = true;
        }
        let Some(id) = row.get::<_, Option<Uuid>>(4) else { continue };
        if message != Some(id) {
            if message.is_some() {
                out.raw("]}");
            }
            message = Some(id);
            out.comma(&mut first_message);
            out.raw("{\"id\":");
            out.id("msg", id);
            out.raw(",\"role\":");
            out.string(row.get(5));
            out.raw(",\"text\":");
            out.string(row.get(6));
            out.raw(",\"createdAt\":");
            out.time(row.get(7));
            out.raw(",\"citations\":[");
            first_citation = true;
        }
        if let Some(quote) = row.get::<_, Option<&str>>(8) {
            out.comma(&mut first_citation);
            out.raw("{\"quote\":");
            out.string(quote);
            out.raw(",\"start\":");
            out.number(row.get(9));
            out.raw(",\"end\":");
            out.number(row.get(10));
            out.raw("}");
        }
    }
    close(&mut out, message, session);
    out.raw("]}}}}");
    Ok(out)
}

/// Ends the message and the session that are open.
fn close(out: &mut Vec<u8>, message: Option<Uuid>, session: Option<Uuid>) {
    if message.is_some() {
        out.raw("]}");
    }
    if session.is_some() {
        out.raw("]}}");
    }
}

pub async fn dashboard(call: &Call<'_>) -> Outcome {
    let workspace = call.id("ws", "ws")?;
    let (key, hash) = (&call.credential.key, &call.credential.hash);
    let since = month_start(Utc::now());
    let (client, of) = (&call.client.client, call.client);
    // Sent one behind the other, answered together.
    let whose: &[&(dyn ToSql + Sync)] = &[key, hash, &workspace];
    let whose_since: &[&(dyn ToSql + Sync)] = &[key, hash, &workspace, &since];
    let (sessions, runs, memories, usage) = futures_util::try_join!(
        client.query(&of.sessions, whose),
        client.query(&of.runs, whose),
        client.query(&of.memories, whose),
        client.query(&of.usage, whose_since),
    )?;
    let viewer: Uuid = sessions.first().ok_or(Refusal::Unauthenticated)?.get(0);
    let mut out = Vec::with_capacity(16 * 1024);
    out.raw("{\"data\":{\"viewer\":{\"id\":");
    out.id("user", viewer);
    out.raw("},\"workspace\":{\"coachingSessions\":{\"nodes\":[");
    write_sessions(&mut out, &sessions);
    out.raw("]},\"runs\":");
    write_runs(&mut out, &runs);
    out.raw(",\"memories\":{\"nodes\":[");
    let mut first = true;
    for row in &memories {
        out.comma(&mut first);
        memory(&mut out, row);
    }
    out.raw("]},\"usage\":");
    write_usage(&mut out, &usage);
    out.raw("}}}");
    Ok(out)
}

fn month_start(now: DateTime<Utc>) -> DateTime<Utc> {
    let date = NaiveDate::from_ymd_opt(now.year(), now.month(), 1).expect("a first of the month");
    date.and_hms_opt(0, 0, 0).expect("midnight").and_utc()
}

fn write_sessions(out: &mut Vec<u8>, rows: &[Row]) {
    let (mut session, mut first, mut first_message) = (None, true, true);
    for row in rows {
        let Some(id) = row.get::<_, Option<Uuid>>(1) else { continue };
        if session != Some(id) {
            if session.is_some() {
                out.raw("]}}");
            }
            session = Some(id);
            out.comma(&mut first);
            out.raw("{\"id\":");
            out.id("cs", id);
            out.raw(",\"topic\":");
            out.maybe(row.get(2));
            out.raw(",\"status\":");
            out.string(row.get(3));
            out.raw(",\"goal\":");
            match row.get::<_, Option<Uuid>>(4) {
                Some(goal) => {
                    out.raw("{\"id\":");
                    out.id("goal", goal);
                    out.raw(",\"title\":");
                    out.string(row.get(5));
                    out.raw(",\"progress\":");
                    out.float(row.get(6));
                    out.raw("}");
                }
                None => out.raw("null"),
            }
            out.raw(",\"messages\":{\"nodes\":[");
            first_message = true;
        }
        if let Some(message) = row.get::<_, Option<Uuid>>(7) {
            out.comma(&mut first_message);
            out.raw("{\"id\":");
            out.id("msg", message);
            out.raw(",\"role\":");
            out.string(row.get(8));
            out.raw(",\"text\":");
            out.string(row.get(9));
            out.raw("}");
        }
    }
    if session.is_some() {
        out.raw("]}}");
    }
}

fn write_runs(out: &mut Vec<u8>, rows: &[Row]) {
    out.raw("{\"totalCount\":");
    out.number(rows.first().map_or(0, |row| row.get(0)));
    out.raw(",\"nodes\":[");
    let (mut run, mut first, mut first_step) = (None, true, true);
    for row in rows {
        let id: Uuid = row.get(1);
        if run != Some(id) {
            if run.is_some() {
                out.raw("]}}");
            }
            run = Some(id);
            out.comma(&mut first);
            out.raw("{\"id\":");
            out.id("run", id);
            out.raw(",\"status\":");
            out.string(row.get(2));
            out.raw(",\"workflow\":{\"id\":");
            out.id("wf", row.get(3));
            out.raw(",\"name\":");
            out.string(row.get(4));
            out.raw("},\"steps\":{\"nodes\":[");
            first_step = true;
        }
        if let Some(key) = row.get::<_, Option<&str>>(5) {
            out.comma(&mut first_step);
            out.raw("{\"key\":");
            out.string(key);
            out.raw(",\"status\":");
            out.string(row.get(6));
            out.raw("}");
        }
    }
    if run.is_some() {
        out.raw("]}}");
    }
    out.raw("]}");
}

/// One row a currency; the cost is told in that in which most was spent.
fn write_usage(out: &mut Vec<u8>, rows: &[Row]) {
    let (mut calls, mut input, mut output) = (0, 0, 0);
    let mut most: (i64, &str) = (0, "USD");
    for row in rows {
        calls += row.get::<_, i64>(1);
        input += row.get::<_, i64>(2);
        output += row.get::<_, i64>(3);
        if let (Some(currency), Some(cost)) = (row.get(0), row.get::<_, Option<i64>>(4))
            && cost > most.0
        {
            most = (cost, currency);
        }
    }
    out.raw("{\"calls\":");
    out.number(calls);
    out.raw(",\"inputTokens\":");
    out.number(input);
    out.raw(",\"outputTokens\":");
    out.number(output);
    out.raw(",\"cost\":{\"amount\":\"");
    amount(out, most.0);
    out.raw("\",\"currency\":");
    out.string(most.1);
    out.raw("}}");
}

/// Billionths as a decimal without zeros at its end.
fn amount(out: &mut Vec<u8>, billionths: i64) {
    out.number(billionths / 1_000_000_000);
    let rest = format!("{:09}", billionths % 1_000_000_000);
    let rest = rest.trim_end_matches('0');
    if !rest.is_empty() {
        out.raw(".");
        out.raw(rest);
    }
}
