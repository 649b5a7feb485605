//! What words mean for an attack, in the languages that models read best: a word belongs to none, one or several
//! concepts, told by its beginning.
use super::fold;
use crate::gateway::guardrail::reader::{is_unspaced, is_word};
use std::{collections::HashMap, sync::LazyLock};

/// A set of concepts.
pub type Concepts = u32;

/// To set aside what was said.
pub const OVERRIDE: Concepts = 1;
/// What was said before, or all of it.
pub const PRIOR: Concepts = 1 << 1;
pub const YOUR: Concepts = 1 << 2;
/// What a model was told to hold to.
pub const RULES: Concepts = 1 << 3;
pub const PROMPT: Concepts = 1 << 4;
/// Which of the rules: those that are not for users' eyes.
pub const HIDDEN: Concepts = 1 << 5;
/// To bring to light.
pub const REVEAL: Concepts = 1 << 6;
pub const NOT: Concepts = 1 << 7;
/// What holds a model back.
pub const LIMITS: Concepts = 1 << 8;
/// To speak as something else.
pub const BECOME: Concepts = 1 << 9;
pub const MODEL: Concepts = 1 << 10;
/// Names of models without limits.
pub const PERSONA: Concepts = 1 << 11;
pub const MODE: Concepts = 1 << 12;
pub const SWITCH: Concepts = 1 << 13;
pub const TELL: Concepts = 1 << 14;
pub const USER: Concepts = 1 << 15;
/// To speak to a model that reads along.
pub const ADDRESS: Concepts = 1 << 16;
pub const SEND: Concepts = 1 << 17;
/// What is worth stealing.
pub const DATA: Concepts = 1 << 18;
/// Where it would go.
pub const SINK: Concepts = 1 << 19;
pub const TOOL: Concepts = 1 << 20;
pub const FOLLOW: Concepts = 1 << 21;
pub const NEW: Concepts = 1 << 22;
pub const ANSWER: Concepts = 1 << 23;
/// Out of force.
pub const OFF: Concepts = 1 << 24;
pub const TASK: Concepts = 1 << 25;
pub const ALL: Concepts = 1 << 26;
pub const ASK: Concepts = 1 << 27;
pub const CALL: Concepts = 1 << 28;
/// What else a model was given.
pub const MESSAGE: Concepts = 1 << 29;
/// The end of a sentence.
pub const BREAK: Concepts = 1 << 31;

/// Beginnings of words by what they mean; `$` ends a word that must be whole.
const WORDS: &[(Concepts, &str)] = &[
    (
        OVERRIDE,
        "ignore$ ignoring ignores ignored disregard forget$ overrid bypass$ bypassing circumvent supersede neglect$ erase dismiss$ \
        ignoriere ignorier$ vergiss missachte missachten ubergehe umgehe verwirf oublie$ oubliez ignorez contourne ignora ignorar olvida$ \
        olvide$ olvidate omite$ caso dimentica$ dimenticare trascura esqueca$ esquece$ desconsidere ignorem negeer vergeet$ zignoruj \
        ignoruj zapomnij pomin$ ignorera glom$ bortse игнорируй проигнорируй забудь 忽略 无视 無視 忘记 忘れ 무시 잊고 잊어 yok gormezden \
        unut$ تجاهل انس$ अनदेखा compte$ drop$ void$",
    ),
    (
        PRIOR,
        "previous prior$ above$ earlier before$ preceding former other$ vorherig vorig bisherig obig oben$ uber$ precedent ci-dessus \
        dessus anterior previas previos arriba precedenti sopra acima vorige eerdere bovenstaande poprzedni wczesniej tidigare \
        ovanstaende предыдущ прежн выше 之前 以上 上述 先前 これまで 上記 以前 이전 위의 onceki yukaridaki السابقة पिछले",
    ),
    (
        ALL,
        "all$ everything alles$ alle$ tout$ toutes$ tous$ todo$ todas$ todos$ tutte$ tutti$ tudo$ wszystk allt$ alla$ все$ всё$ \
        所有 すべて 全て 모든 tum$ जميع جميع सभी",
    ),
    (
        YOUR,
        "your$ you$ thy$ deine dein$ dir$ tes$ ton$ ta$ vos$ tus$ tu$ tue$ tuo$ tuoi$ suas$ seu$ sua$ teus$ je$ jouw$ jou$ swoich \
        swoje swoj$ twoje twoich dina$ din$ твои твой свои$ свой$ 你的 您的 あなたの 너의 당신의 kurallarini sistem قواعدك अपना अपने",
    ),
    (
        RULES,
        "instruct instruction instructions rules$ rule$ guideline directive policy$ policies$ guardrail safeguard safety \
        anweisung regeln$ richtlinie vorgaben sicherheitsrichtlin consigne regle instrucc reglas$ indicacion normas$ directric \
        istruzion regole$ direttiv instruc regras$ orientac diretriz instructie regels$ richtlijn instrukcj zasad$ zasady$ zasadach \
        wytyczn instruktion regler$ riktlinje инструкц правил указани 指令 规则 指示 ルール 命令 要求 지시 규칙 talimat kural \
        التعليمات قواعد निर्देश",
    ),
    (
        PROMPT,
        "prompt systemprompt системныи промпт промт 提示词 提示 プロンプト 프롬프트 istemini موجه प्रॉम्प्ट systemowy",
    ),
    (
        HIDDEN,
        "system$ system's hidden secret$ internal initial$ original$ confidential exact$ developer developer's raw$ versteckt \
        geheim ursprunglich systeme cache$ cachee caches$ oculta oculto sistema$ nascost segret ocultas verborgen ukryt dold скрыт \
        систем 系统 隐藏 隠された システム 시스템 sistem النظام सिस्टम started$ debug$",
    ),
    (
        REVEAL,
        "reveal show$ print$ prints$ repeat$ output$ display$ dump$ disclose expose$ leak$ translate$ summarize summarise list$ \
        verbatim zeig gib$ gebe$ wiederhole offenbare montre affiche revele donne$ muestra revela mostra mostre mostrami revele toon$ \
        geef$ pokaz$ ujawnij visa$ покажи выведи 显示 输出 表示 出力 보여 goster اعرض दिखा",
    ),
    (
        NOT,
        "no$ not$ never don't dont without free$ nor$ zero$ kein keine ohne$ nicht$ nie$ sans$ pas$ aucun jamais$ ne$ sin$ nunca$ \
        senza$ non$ alcun sem$ nao$ nenhum zonder$ geen$ niet$ bez$ utan$ inga$ без$ не$ никаких 没有 不受 なし 없이 olmadan بدون बिना \
        isn't aren't unbound stop$ cease",
    ),
    (
        LIMITS,
        "restriction filter limit$ limits$ limitation guideline policy policies rules$ rule$ ethic moral censor boundaries \
        einschrankung beschrankung filter sicherheitsrichtlin restrict limites$ limite$ politique filtre filtros$ restricci restrizion \
        filtro$ filtri$ restric beperking ogranicz begransning ограничен фильтр правил 限制 制限 제한 kisitlama قيود guardrail confines",
    ),
    (
        BECOME,
        "pretend roleplay imagine hypothetically simulation act$ acts$ acting become$ from$ henceforth now$ character tu$ \
        ab$ desormais fais$ partir finge fai$ finta a-partir doe$ alsof teraz теперь 现在开始 从现在 今から hereafter evil$",
    ),
    (
        MODEL,
        "ai$ assistant llm$ chatbot bot$ model$ gpt chatgpt ki$ ia$ ии$ kunstmatig sztuczn 人工智能 aiの ais$ agents$ \
        operator$ assistente asistente",
    ),
    (
        PERSONA,
        "dan$ jailbreak jailbroken unrestricted uncensored unfiltered evilbot stan$ dude$ aim$ 'anything anything$",
    ),
    (MODE, "mode$ modus$ modo$ root$"),
    (SWITCH, "enter$ enable activate engage switch$ aktiviere active$ activa$ sudo disable deactivate"),
    (TELL, "tell$ mention inform$ informing notify$ ask$ erwahne sag$ mentionne menciones telling reveal"),
    (USER, "user$ user's users$ reader$ them$ this$ these$ request$ note$ nutzer hinweis confirmation"),
    (
        ADDRESS,
        "attention dear$ note$ hinweis reading$ if$ listen$ memo$ nota$ instruction$ summarise$ summarize$",
    ),
    (
        SEND,
        "send$ forward$ upload$ append$ exfiltrate transmit post$ email$ curl$ leak$ include$ export transfer$",
    ),
    (
        DATA,
        "memories$ conversation messages$ notes$ key$ keys$ credential password contents$ content$ attachments$ data$ history$ \
        secrets$ tokens$",
    ),
    (SINK, "https$ http$ attacker evil$ webhook link$ image$ immediately answer$ account$"),
    (TOOL, "tool$ tools$ function$ functions$ send_email delete_all"),
    (CALL, "call$ execute invoke use$ run$"),
    (
        FOLLOW,
        "follow$ following obey$ obeys$ abide comply$ bound$ adhere respect$ sigas$ obedece befolge soblyud соблюда tiens$ tenir$ \
        respecte halte$",
    ),
    (NEW, "new$ neue$ neuen$ nouveau nouvelle nueva$ nuevo$ only$ updated$ current$"),
    (
        ANSWER,
        "answer respond$ responds$ reply$ act$ comply$ refuse$ refuses$ say$ have$ has$ antworte antwortest beantworte reponds$ \
        repondre responde$ responder rispondi responda antwoord odpowiada svara отвечай 回答 答え 대답 cevap أجب you$ du$ eres$ voce",
    ),
    (OFF, "off$ suspended void$ removed lifted disabled bypassed suspend longer$ broken$ void$ deaktiviert"),
    (TASK, "task$ aufgabe$ tache$ tarea$ job$ role$ objective mission$ rule$"),
    (MESSAGE, "message$ messages$ configuration config$ setup$ nachricht mensaje messaggio mensagem bericht"),
    (ASK, "what$ which$ was$ quelles$ cuales$"),
];

/// English words that are also known with their inner letters in another order, which readers and models hardly
/// notice.
const SCRAMBLED: &[(Concepts, &str)] = &[
    (OVERRIDE, "ignore disregard forget bypass override"),
    (
        OVERRIDE,
        "umgeh outrepasse transgresse enfreins prescinde desobedece omita scorda tralascia descarte \
        desobedeca overtreed zlekcewaz strunta отбрось пренебреги нарушь 不要理会 跳过 抛开 违反 不遵守 破棄 従わず 따르지 \
        dikkate bosver gormeden تخط لاتتبع नज़रअंदाज़ भूल",
    ),
    (
        REVEAL,
        "give$ tell$ share$ write$ copy$ paste$ recite echo$ state$ nenne$ verrate verrat schreib$ schreibe$ ausgib dis-moi dis$ \
        devoile ecris$ imprime$ dime$ ensena desvela dimmi svela stampa rivela diga$ imprima exiba onthul vertel podaj wyswietl \
        wypisz avsloja skriv$ раскрой напиши скажи 告诉 打印 透露 泄露 教えて 見せて 明かし 알려 출력 공개 acikla yazdir soyle اكشف اطبع \
        बताओ",
    ),
    (
        LIMITS,
        "constraint safeguard moderation inhibition schranken contrainte limitaci limitaz vincoli limieten zahamow hamulcow",
    ),
    (SWITCH, "unlock unleash toggle aktivera wlacz включи 开启 启用 有効"),
    (OFF, "deactivated paused waived turned$ aufgehoben ausgeschaltet desactiv disattiv"),
    (PRIOR, "previous earlier"),
    (RULES, "instructions guidelines directives"),
    (REVEAL, "reveal"),
    (PROMPT, "prompt"),
    (HIDDEN, "system"),
    (LIMITS, "restrictions"),
];

static BY_LETTERS: LazyLock<HashMap<u64, Concepts>> = LazyLock::new(|| {
    let words = SCRAMBLED
        .iter()
        .flat_map(|(concepts, words)| words.split(' ').map(|word| (by_letters(word), *concepts)));
    words.collect()
});

/// The same for words of the same first, last and inner letters; others may share it, but hardly ever do.
fn by_letters(word: &str) -> u64 {
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
    let bytes = word.as_bytes();
    let spread = |byte: u8| {
        u64::from(byte).wrapping_mul(SPREAD).rotate_left(u32::from(byte % 32)).wrapping_mul(SPREAD)
    };
    let inner = bytes.iter().map(|byte| spread(*byte)).fold(0, u64::wrapping_add);
    let end = |byte: Option<&u8>| byte.map_or(0, |byte| spread(*byte));
    inner.rotate_left(7) ^ end(bytes.first()).rotate_left(21) ^ end(bytes.last()).rotate_left(42)
}

struct Stem {
    text: String,
    whole: bool,
    concepts: Concepts,
}

/// By the first two letters; of scripts without blanks, by the first.
static STEMS: LazyLock<HashMap<String, Vec<Stem>>> = LazyLock::new(|| {
    let mut stems: HashMap<String, Vec<Stem>> = HashMap::new();
    for (concepts, words) in WORDS {
        for word in words.split_whitespace() {
            let folded = fold::visible(word.trim_end_matches('$'));
            let stem = Stem { whole: word.ends_with('$'), concepts: *concepts, text: folded };
            stems.entry(key(&stem.text).to_owned()).or_default().push(stem);
        }
    }
    stems
});

fn key(word: &str) -> &str {
    let mut chars = word.char_indices();
    let first_is_unspaced = chars.next().is_some_and(|(_, c)| is_unspaced(c));
    let end = if first_is_unspaced { chars.next() } else { chars.nth(1) };
    word.get(..end.map_or(word.len(), |(byte, _)| byte)).unwrap_or(word)
}

/// The concepts of each word of a folded text, in order; sentences end with [`BREAK`].
pub fn words(text: &str) -> Vec<Concepts> {
    let mut found = Vec::with_capacity(text.len() / 5);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = if is_unspaced(c) {
            let concepts = of_beginning(rest);
            if concepts != 0 {
                found.push(concepts);
            }
            c.len_utf8()
        } else if is_word(c) {
            let end = rest.find(|c| !(is_word(c) || is_joining(c))).unwrap_or(rest.len());
            found.push(of_word(rest.get(..end).unwrap_or_default()));
            end
        } else {
            let end = c.len_utf8();
            let next = rest.get(end..).and_then(|rest| rest.chars().next());
            if matches!(c, '!' | '?' | '。' | '\n') || c == '.' && next.is_none_or(char::is_whitespace) {
                found.push(BREAK);
            }
            end
        };
        rest = rest.get(end..).unwrap_or_default();
    }
    found
}

/// Within a word, but no letter; the last two are marks of Devanagari.
fn is_joining(c: char) -> bool {
    matches!(c, '\'' | '_' | '-' | '\u{93C}' | '\u{94D}')
}

fn of_word(word: &str) -> Concepts {
    let fits = |stem: &&Stem| if stem.whole { word == stem.text } else { word.starts_with(&stem.text) };
    let stems = STEMS.get(key(word)).map_or(&[][..], Vec::as_slice);
    let concepts = stems.iter().filter(fits).fold(0, |all, stem| all | stem.concepts);
    if concepts == 0 && (6..=12).contains(&word.len()) {
        return BY_LETTERS.get(&by_letters(word)).copied().unwrap_or(0);
    }
    concepts
}

fn of_beginning(text: &str) -> Concepts {
    let Some(stems) = STEMS.get(key(text)) else { return 0 };
    stems.iter().filter(|stem| text.starts_with(&stem.text)).fold(0, |all, stem| all | stem.concepts)
}
