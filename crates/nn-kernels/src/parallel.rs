//! Dividing work among threads, in one place.
//!
//! Two patterns are enough for the whole engine:
//!
//! * [`for_each_chunk`]: the output is cut into consecutive chunks and each chunk is written by one thread;
//! * [`sum_parts`]: a sum over the batch is cut into parts, each part is summed on its own, and the partial
//!   sums are added in the order of the parts.
//!
//! The cuts depend on sizes alone, never on the number of threads, so that results are the same bits for
//! every thread count. The thread pool is rayon's current one.
//!
//! Work that is itself one of many tasks runs inside [`sequential`]: there the same cuts are made, but the
//! calling thread does everything.

use std::cell::Cell;

use rayon::prelude::*;

use crate::{Isa, Real};

/// Elements that one thread handles at a time in element-wise work: 64 KiB of `f32`, so that a chunk's input
/// and output stay in a core's own cache.
pub const ELEMENTS_PER_CHUNK: usize = 16 * 1024;

thread_local! {
    static SEQUENTIAL: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body`, in which the calling thread does all work alone.
///
/// Everything is cut as it is elsewhere, so the results are the same bits. Calls may nest.
pub fn sequential<T>(body: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            SEQUENTIAL.set(self.0);
        }
    }
    let _restore = Restore(SEQUENTIAL.replace(true));
    body()
}

/// Whether the caller is inside [`sequential`].
pub fn is_sequential() -> bool {
    SEQUENTIAL.get()
}

/// Threads that share the caller's work.
pub(crate) fn threads() -> usize {
    if is_sequential() { 1 } else { rayon::current_num_threads() }
}

/// Calls `body` for every item, in parallel.
pub fn for_each<T: Send>(items: Vec<T>, body: impl Fn(T) + Sync) {
    if items.len() <= 1 || is_sequential() {
        return items.into_iter().for_each(body);
    }
    let isa = Isa::current();
    items.into_par_iter().for_each(|item| isa.scope(|| body(item)));
}

/// Calls `body(i, chunk)` for the consecutive chunks of `out`, each `chunk_len` long but the last, in parallel.
pub fn for_each_chunk<T: Send>(out: &mut [T], chunk_len: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    if out.len() <= chunk_len || is_sequential() {
        out.chunks_mut(chunk_len.max(1)).enumerate().for_each(|(i, chunk)| body(i, chunk));
        return;
    }
    let isa = Isa::current();
    out.par_chunks_mut(chunk_len).enumerate().for_each(|(i, chunk)| isa.scope(|| body(i, chunk)));
}

/// Calls both at the same time if a thread is free.
pub fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    if is_sequential() {
        return (a(), b());
    }
    let isa = Isa::current();
    rayon::join(|| isa.scope(a), || isa.scope(b))
}

/// Like [`for_each_chunk`] with two outputs that are cut in step.
///
/// # Panics
/// If the two outputs do not have the same number of chunks.
pub fn for_each_chunk_pair<T: Send, U: Send>(
    (first, first_len): (&mut [T], usize),
    (second, second_len): (&mut [U], usize),
    body: impl Fn(usize, &mut [T], &mut [U]) + Sync,
) {
    assert_eq!(first.len().div_ceil(first_len), second.len().div_ceil(second_len), "outputs are not in step");
    if is_sequential() {
        let chunks = first.chunks_mut(first_len).zip(second.chunks_mut(second_len));
        return chunks.enumerate().for_each(|(i, (a, b))| body(i, a, b));
    }
    let isa = Isa::current();
    first
        .par_chunks_mut(first_len)
        .zip(second.par_chunks_mut(second_len))
        .enumerate()
        .for_each(|(i, (a, b))| isa.scope(|| body(i, a, b)));
}

/// Like [`for_each_chunk`] with three outputs of equal length, in chunks of [`ELEMENTS_PER_CHUNK`].
///
/// # Panics
/// If the outputs differ in length.
pub fn for_each_chunk_triple<T: Send>(
    first: &mut [T],
    second: &mut [T],
    third: &mut [T],
    body: impl Fn(usize, &mut [T], &mut [T], &mut [T]) + Sync,
) {
    assert!(first.len() == second.len() && first.len() == third.len(), "outputs differ in length");
    const LEN: usize = ELEMENTS_PER_CHUNK;
    if is_sequential() {
        let chunks = first.chunks_mut(LEN).zip(second.chunks_mut(LEN)).zip(third.chunks_mut(LEN));
        return chunks.enumerate().for_each(|(i, ((a, b), c))| body(i, a, b, c));
    }
    let isa = Isa::current();
    first
        .par_chunks_mut(LEN)
        .zip(second.par_chunks_mut(LEN))
        .zip(third.par_chunks_mut(LEN))
        .enumerate()
        .for_each(|(i, ((a, b), c))| isa.scope(|| body(i, a, b, c)));
}

/// Adds to `out` the sum of `parts` terms: `out += term(0) + term(1) + ..`, always in this order.
///
/// `term(i, buffer)` *adds* its term to a buffer of `out`'s length that starts as zeros. Terms are computed
/// in parallel.
pub fn sum_parts<R: Real>(out: &mut [R], parts: usize, term: impl Fn(usize, &mut [R]) + Sync) {
    let len = out.len();
    if len == 0 || parts == 0 {
        return;
    }
    // Alone, the calling thread adds each term before it computes the next, and one buffer is enough.
    let buffers = if is_sequential() { 1 } else { parts };
    R::with_scratch(buffers * len, |partial| {
        for start in (0..parts).step_by(buffers) {
            for_each_chunk(partial, len, |part, buffer| {
                buffer.fill(R::zero());
                term(start + part, buffer);
            });
            add_in_order(out, partial.chunks_exact(len));
        }
    });
}

/// `out += addends[0] + addends[1] + ..`, element by element and always in this order.
///
/// # Panics
/// If an addend is shorter than `out`.
pub fn add_in_order<'a, R: Real>(out: &mut [R], addends: impl Iterator<Item = &'a [R]> + Clone + Sync) {
    for_each_chunk(out, ELEMENTS_PER_CHUNK, |i, chunk| {
        let start = i * ELEMENTS_PER_CHUNK;
        for addend in addends.clone() {
            let addend = &addend[start..start + chunk.len()];
            for (sum, &value) in chunk.iter_mut().zip(addend) {
                *sum += value;
            }
        }
    });
}

/// Cuts `0..len` into at most `parts` consecutive ranges of nearly equal length and returns the `i`-th.
pub fn part_of(len: usize, parts: usize, i: usize) -> std::ops::Range<usize> {
    let per_part = len.div_ceil(parts);
    (i * per_part).min(len)..((i + 1) * per_part).min(len)
}
