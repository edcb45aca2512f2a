//! Mutations of files: some know nothing of the format, others know lines and numbers.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// Numbers and words at which readers go wrong.
const TOKENS: [&str; 26] = [
    "0",
    "-1",
    "1",
    "2",
    "3.5",
    "-0.0",
    "1e-320",
    "1e308",
    "1e999",
    "-1e154",
    "NaN",
    "inf",
    "null",
    "true",
    "\"\"",
    "[]",
    "{}",
    "[[]]",
    "4294967296",
    "9007199254740993",
    "18446744073709551615",
    "18446744073709551616",
    "1e-13",
    "6.283185307179586",
    "\"é\\u0000\"",
    "1979-05-27",
];

/// A damaged copy of one of `seeds`: one to four mutations.
pub fn mutated(seeds: &[Vec<u8>], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = seeds[random.random_range(0..seeds.len())].clone();
    for _ in 0..random.random_range(1..=4) {
        mutate(&mut bytes, seeds, random);
    }
    bytes
}

fn mutate(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut ChaCha8Rng) {
    if bytes.is_empty() {
        bytes.push(random.random());
        return;
    }
    let at = random.random_range(0..bytes.len());
    let end = (at + 1 + random.random_range(0..16_usize)).min(bytes.len());
    match random.random_range(0..10) {
        0 => bytes[at] ^= 1 << random.random_range(0..8),
        1 => bytes[at] = random.random(),
        2 => drop(bytes.drain(at..end)),
        3 => bytes.truncate(at),
        4 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        5 => {
            let other = &seeds[random.random_range(0..seeds.len())];
            let from = random.random_range(0..=other.len());
            bytes.truncate(at);
            bytes.extend(&other[from..]);
        }
        6 => {
            let token = TOKENS[random.random_range(0..TOKENS.len())];
            bytes.splice(at..at, token.bytes());
        }
        7 | 8 => replace_number(bytes, at, TOKENS[random.random_range(0..TOKENS.len())]),
        _ => move_line(bytes, at, random),
    }
}

/// Replaces the first number from `at` on.
fn replace_number(bytes: &mut Vec<u8>, at: usize, token: &str) {
    let is_part = |b: &u8| b.is_ascii_digit() || b"+-.eE".contains(b);
    let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|offset| at + offset) else { return };
    let end = bytes[start..].iter().position(|b| !is_part(b)).map_or(bytes.len(), |length| start + length);
    bytes.splice(start..end, token.bytes());
}

/// Deletes, doubles or moves the line (or the item of a list) at `at`.
fn move_line(bytes: &mut Vec<u8>, at: usize, random: &mut ChaCha8Rng) {
    let separator = if bytes.contains(&b'\n') && random.random() { b'\n' } else { b',' };
    let start = bytes[..at].iter().rposition(|&b| b == separator).map_or(0, |p| p + 1);
    let end = bytes[at..].iter().position(|&b| b == separator).map_or(bytes.len(), |p| at + p + 1);
    let line: Vec<u8> = match random.random_range(0..3) {
        0 => bytes[start..end].to_vec(),
        _ => bytes.drain(start..end).collect(),
    };
    if random.random() {
        let to = random.random_range(0..=bytes.len());
        let to = bytes[..to].iter().rposition(|&b| b == separator).map_or(0, |p| p + 1);
        bytes.splice(to..to, line);
    }
}
