//! Every number of the recipe, with its reason.

/// How soon further occurrences of a word stop counting. Memories are short: a word said twice says little more.
pub const K1: f32 = 0.9;
/// How much longer texts are marked down.
pub const B: f32 = 0.4;

/// Shares of the words and of the meaning in what an entry is worth by itself, each as a share of the best one.
pub const WORDS: f32 = 0.5;
pub const MEANING: f32 = 0.5;
/// What a word that says nearly the same counts for, beside the word itself; times how near it is.
pub const RELATED: f32 = 0.5;
/// Cosines up to this one say nothing: any two texts are so much alike.
pub const UNLIKE: f32 = 0.2;
/// Cosines from this one on speak for an entry by themselves, without a word of the query near it.
pub const LIKE: f32 = 0.35;
/// Vectors of a provider's model from which on their mean tells what cosine is usual: of few, the best are a part of it.
pub const TELLING: usize = 64;
/// What the words of an entry and its neighbours together add: what is meant by a turn stands in the ones around it.
pub const WINDOW: f32 = 0.6;
/// What the neighbours are worth to a memory: answers follow questions. To a chunk of a document nothing.
pub const PREVIOUS: f32 = 0.35;
pub const NEXT: f32 = 0.2;
/// What a collection's words are worth to each of its entries, and to itself.
pub const TO_ENTRY: f32 = 0.25;
pub const TO_COLLECTION: f32 = 0.8;

/// What it is worth to an entry that it happened when the query says.
pub const DATED: f32 = 1.0;

/// What it is worth to an entry to tell a time (`last Friday`), where the query asks when.
pub const TELLS_WHEN: f32 = 0.4;

/// What it is worth to an entry to be said by somebody whom the query names: their name is a word of it as any other, and
/// in their own conversations a frequent one.
pub const SPOKEN: f32 = 0.3;

/// What it adds to the score of an entry to be as important as can be, and takes from one that is of no importance, as a share of
/// it: as much as age takes by default.
pub const IMPORTANCE: f32 = 0.2;

/// The most that an entry can get of a query that neither names a date nor asks for one.
pub const MOST: f32 = (WORDS + MEANING + WINDOW) * (1.0 + PREVIOUS + NEXT) + TO_ENTRY;

/// Entries that are looked at because of their meaning alone, and because of their words alone: the best.
pub const ALIKE: usize = 300;
pub const LIKELY: usize = 1000;
/// Texts that are searched for the phrases of a query: the best of what has all words of one.
pub const LOOKED_AT: usize = 200;
/// Entries that a diverse choice is made from: the best.
pub const DIVERSE: usize = 200;
/// Up to so many entries, all vectors are gone through: it takes less than a millisecond.
pub const SMALL: usize = 8192;
/// Else those whose signs are nearest: far more than [`ALIKE`], for signs are coarse.
pub const NEAREST: usize = 2000;

/// Hits that tell of one collection.
pub const HITS_OF_GROUP: usize = 3;
