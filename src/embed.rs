//! The built-in text embedder: feature hashing (Weinberger et al., ICML 2009) of words, word pairs
//! and character n-grams.
//!
//! It is deterministic and has no vocabulary, so a deleted text leaves nothing behind in term
//! statistics. Texts that share words, or parts of words, get similar vectors. It knows nothing
//! about meaning; for that, pass a model to the client.

use hashbrown::HashMap;
use twox_hash::XxHash3_64;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// The weight of each kind of feature.
const WORD: f64 = 1.0;
const PAIR: f64 = 0.7;
const GRAM: f64 = 0.35;
/// The lengths of n-grams, in characters. Words first get a boundary mark at both ends.
const GRAMS: std::ops::RangeInclusive<usize> = 3..=5;

/// Embeds a text, whatever it contains, as a vector of unit length.
pub fn embed(text: &str, dimension: usize) -> Vec<f32> {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let mut features: HashMap<u64, f64> = HashMap::new();
    let mut add = |kind: u8, feature: &str, weight: f64| {
        let hash = XxHash3_64::oneshot_with_seed(u64::from(kind), feature.as_bytes());
        *features.entry(hash).or_default() += weight;
    };
    let mut previous: Option<&str> = None;
    for word in folded.unicode_words() {
        add(0, word, WORD);
        if let Some(previous) = previous {
            add(1, &format!("{previous} {word}"), PAIR);
        }
        previous = Some(word);
        let marked: Vec<char> = format!("<{word}>").chars().collect();
        for n in GRAMS {
            for gram in marked.windows(n) {
                add(2, &gram.iter().collect::<String>(), GRAM);
            }
        }
    }
    if previous.is_none() {
        // Punctuation, an emoji, white space: the text itself is its only feature.
        add(0, &folded, WORD);
    }
    // Summed in the order of the hashes: a map's own order differs from run to run, and so would
    // the last bits of the sums.
    let mut features: Vec<(u64, f64)> = features.into_iter().collect();
    features.sort_unstable_by_key(|feature| feature.0);
    let mut vector = vec![0.0f64; dimension];
    for &(hash, weight) in &features {
        // A word that occurs ten times does not count ten times as much.
        let weight = weight.ln_1p();
        let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
        vector[(hash % dimension as u64) as usize] += sign * weight;
    }
    let mut norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    if norm < 1e-9 {
        // Features with opposite signs have cancelled out: keep the first.
        if let Some(&(hash, _)) = features.first() {
            vector.fill(0.0);
            vector[(hash % dimension as u64) as usize] = 1.0;
        }
        norm = 1.0;
    }
    vector.into_iter().map(|x| (x / norm) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn alike(a: &str, b: &str) -> f32 {
        let (a, b) = (embed(a, 256), embed(b, 256));
        a.iter().zip(&b).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn texts_that_share_words_or_parts_of_words_are_more_alike() {
        let text = "How to delete vectors from a collection";
        assert!(alike(text, "deleting a vector from collections") > 0.3);
        assert!(alike(text, "a recipe for onion soup") < 0.2);
        assert!(alike(text, text) > 0.999);
        assert!(alike("ＤＥＬＥＴＥ", "delete") > 0.999);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn every_text_has_a_vector_of_unit_length(text in ".*", dimension in 1usize..300) {
            let vector = embed(&text, dimension);
            let norm: f32 = vector.iter().map(|x| x * x).sum();
            prop_assert!((norm - 1.0).abs() < 1e-3);
            prop_assert_eq!(vector, embed(&text, dimension));
        }
    }
}
