//! The patterns of work and the scratch memory that all kernels stand on.

mod comparison;
mod random_arrays;

use comparison::assert_same_bits;
use nn_kernels::Real;
use nn_kernels::parallel::{
    ELEMENTS_PER_CHUNK, add_in_order, for_each_chunk, for_each_chunk_pair, for_each_chunk_triple,
    is_sequential, part_of, sequential, sum_parts,
};
use random_arrays::{poison_scratch, reals};

#[test]
fn chunks_are_numbered_and_cover_everything_once() {
    for (len, chunk_len) in [(0, 3), (1, 3), (3, 3), (4, 3), (1000, 7), (7, 1000)] {
        let mut visits = vec![(0, usize::MAX); len];
        for_each_chunk(&mut visits, chunk_len, |i, chunk| {
            for (place, (count, chunk_number)) in chunk.iter_mut().enumerate() {
                assert!(place < chunk_len);
                *count += 1;
                *chunk_number = i;
            }
        });
        let expected: Vec<_> = (0..len).map(|place| (1, place / chunk_len)).collect();
        assert_eq!(visits, expected, "{len} in chunks of {chunk_len}");
    }
}

#[test]
fn pairs_of_chunks_are_in_step() {
    // Chunks of 2 and of 3 elements, the last one shorter.
    let (mut numbers, mut letters) = (vec![0; 9], vec!["".to_string(); 13]);
    for_each_chunk_pair((&mut numbers, 2), (&mut letters, 3), |i, numbers, letters| {
        numbers.fill(i);
        letters.fill(i.to_string());
    });
    assert_eq!(numbers, [0, 0, 1, 1, 2, 2, 3, 3, 4]);
    assert_eq!(letters.concat(), "0001112223334");
}

#[test]
#[should_panic(expected = "outputs are not in step")]
fn pairs_out_of_step_panic() {
    for_each_chunk_pair((&mut [0; 4], 2), (&mut [0; 9], 3), |_, _, _| {});
}

#[test]
fn triples_of_chunks_are_in_step() {
    let len = 2 * ELEMENTS_PER_CHUNK + 5;
    let (mut a, mut b, mut c) = (vec![9; len], vec![9; len], vec![9; len]);
    for_each_chunk_triple(&mut a, &mut b, &mut c, |i, a, b, c| {
        assert!(a.len() == b.len() && a.len() == c.len());
        a.fill(i);
        b.fill(10 + i);
        c.fill(20 + i);
    });
    for place in 0..len {
        let chunk = place / ELEMENTS_PER_CHUNK;
        assert_eq!((a[place], b[place], c[place]), (chunk, 10 + chunk, 20 + chunk));
    }
}

#[test]
#[should_panic(expected = "outputs differ in length")]
fn triples_of_unequal_length_panic() {
    for_each_chunk_triple(&mut [0; 4], &mut [0; 4], &mut [0; 5], |_, _, _, _| {});
}

#[test]
fn parts_are_added_in_order_to_what_is_there() {
    for len in [0, 1, 5, ELEMENTS_PER_CHUNK, 2 * ELEMENTS_PER_CHUNK + 1] {
        for parts in [0, 1, 2, 16] {
            let terms = reals::<f32>(1, len * parts);
            let mut sum = reals::<f32>(2, len);
            let mut expected = sum.clone();
            for part in 0..parts {
                for (i, sum) in expected.iter_mut().enumerate() {
                    *sum += terms[part * len + i];
                }
            }
            // Buffers start as zeros, whatever the scratch memory held.
            poison_scratch::<f32>();
            sum_parts(&mut sum, parts, |part, buffer| {
                assert_eq!(buffer.len(), len);
                for (sum, term) in buffer.iter_mut().zip(&terms[part * len..]) {
                    *sum += term;
                }
            });
            assert_same_bits(format!("{parts} parts of {len}"), &sum, &expected);
        }
    }
}

#[test]
fn addends_are_added_in_order() {
    let len = ELEMENTS_PER_CHUNK + 3;
    let addends = [reals::<f32>(3, len), reals(4, len), reals(5, len)];
    let mut sum = reals::<f32>(6, len);
    let expected: Vec<_> = (0..len).map(|i| addends.iter().fold(sum[i], |sum, a| sum + a[i])).collect();
    add_in_order(&mut sum, addends.iter().map(|addend| &addend[..]));
    assert_same_bits("three addends", &sum, &expected);
}

#[test]
fn sequential_work_stays_on_the_calling_thread_and_gives_the_same_bits() {
    let caller = std::thread::current().id();
    let here = || assert_eq!((std::thread::current().id(), is_sequential()), (caller, true));
    let (len, parts) = (2 * ELEMENTS_PER_CHUNK + 1, 5);
    let terms = reals::<f32>(1, len * parts);
    let sum = || {
        let mut sum = reals::<f32>(2, len);
        sum_parts(&mut sum, parts, |part, buffer| {
            if is_sequential() {
                here();
            }
            for (sum, term) in buffer.iter_mut().zip(&terms[part * len..]) {
                *sum += term;
            }
        });
        sum
    };
    assert_same_bits("sum", &sequential(sum), &sum());

    let (mut a, mut b, mut c) = (vec![9; len], vec![9; len], vec![9; len]);
    sequential(|| {
        for_each_chunk(&mut a, 1000, |i, chunk| {
            here();
            chunk.fill(i);
        });
        assert!((0..len).all(|place| a[place] == place / 1000));
        for_each_chunk_pair((&mut a, 1000), (&mut b, 1000), |i, a, b| {
            here();
            a.fill(i + 1);
            b.fill(i + 2);
        });
        assert!((0..len).all(|place| (a[place], b[place]) == (place / 1000 + 1, place / 1000 + 2)));
        for_each_chunk_triple(&mut a, &mut b, &mut c, |i, a, b, c| {
            here();
            a.fill(i);
            b.fill(i);
            c.fill(i);
        });
        let chunk = |place| place / ELEMENTS_PER_CHUNK;
        assert!((0..len).all(|place| [a[place], b[place], c[place]] == [chunk(place); 3]));
    });
}

#[test]
fn sequential_ends_with_its_body_even_by_a_panic_and_holds_for_its_thread_alone() {
    assert!(!is_sequential());
    sequential(|| {
        sequential(|| ());
        assert!(is_sequential());
        assert!(!std::thread::spawn(is_sequential).join().unwrap());
    });
    assert!(!is_sequential());
    let panicked = std::panic::catch_unwind(|| sequential(|| panic!("on purpose")));
    assert!(panicked.is_err() && !is_sequential());
}

#[test]
fn parts_are_consecutive_and_nearly_equal() {
    for len in 0..40 {
        for parts in 1..20 {
            let mut next = 0;
            for i in 0..parts {
                let part = part_of(len, parts, i);
                assert_eq!(part.start, next, "part {i} of {len} in {parts}");
                assert!(part.len() <= len.div_ceil(parts));
                next = part.end;
            }
            assert_eq!(next, len, "{len} in {parts} parts");
        }
    }
}

#[test]
fn scratch_is_kept_and_nested_scratch_is_another_buffer() {
    f64::with_scratch(10, |outer| {
        outer.fill(1.0);
        let inner_len = f64::with_scratch(20, |inner| {
            inner.fill(2.0);
            inner.len()
        });
        assert_eq!((outer.len(), inner_len), (10, 20));
        assert!(outer.iter().all(|&value| value == 1.0));
    });
    // The buffer is kept: what a call left there, the next one finds.
    f64::with_scratch(10, |buffer| buffer.fill(3.0));
    f64::with_scratch(5, |buffer| assert_eq!(buffer, [3.0; 5]));
    f64::with_scratch(0, |empty| assert!(empty.is_empty()));
}

#[test]
fn element_types_know_their_names_and_round() {
    assert_eq!((f32::NAME, f64::NAME), ("f32", "f64"));
    assert_eq!(f32::of(0.1), 0.1f32);
    assert_eq!(0.1f32.as_f64(), 0.100_000_001_490_116_12);
    assert_eq!(f64::of(0.1), 0.1);
}
