//! `aifirst demo`, as somebody sees it who tries the product for the first time.
use crate::support::{Binary, Ended};
use std::path::Path;

async fn play(folder: &Path, arguments: &[&str]) -> Ended {
    let binary = Binary::new(folder).set("GATEWAY__BUILTIN__PACE_MILLISECONDS", 0);
    binary.run(&[&["demo", "--exit"], arguments].concat()).await
}

#[tokio::test]
async fn the_demo_plays_one_session_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let Ended { code, stdout, stderr } = play(folder.path(), &[]).await;
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    for told in [
        "of this repository's docs",
        "recall ",
        "cites “",
        "first words after",
        "approved",
        "the review is a memory now",
    ] {
        assert!(stdout.contains(told), "nothing of {told:?} in {stdout}");
    }
    // Once more on the same folder: what is known stays known.
    let Ended { code, stdout, .. } = play(folder.path(), &[]).await;
    assert_eq!(code, Some(0));
    assert!(stdout.contains("0 new"), "{stdout}");
}

#[tokio::test]
async fn the_demo_answers_from_ones_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("turns.jsonl");
    std::fs::write(
        &file,
        "{\"id\": \"D1:1\", \"conversation\": \"c\", \"session\": 1, \"speaker\": \"Zoe\", \"at\": \"1:56 pm on 8 May, 2023\", \"text\": \"I keep my quince jam in the cellar.\"}\n",
    )
    .unwrap();
    let import = ["--import", file.to_str().unwrap(), "--ask", "Where is the quince jam?"];
    let Ended { code, stdout, stderr } = play(folder.path(), &import).await;
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("1 notes of your file: 1 new"), "{stdout}");
    assert!(stdout.contains("cites “I keep my quince jam in the cellar.”"), "{stdout}");

    std::fs::write(&file, "{\"text\": 1}\n").unwrap();
    let Ended { code, stderr, .. } = play(folder.path(), &import).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("turns.jsonl") && stderr.contains('1'), "{stderr}");
}
