use std::path::Path;

use super::{Emulator, Memory, Order};
use protsae::train::gpu::{Arg, GpuBackend, GpuError};

fn emulator(order: Order) -> Option<Emulator> {
    let kernels = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sae/emulator/tests.cu");
    Emulator::with_kernels(Path::new(kernels), order)
}

/// Runs in both orders of blocks and threads.
fn both(check: impl Fn(Emulator)) {
    for order in [Order::Ascending, Order::Descending] {
        if let Some(emulator) = emulator(order) {
            check(emulator);
        }
    }
}

fn memory(emulator: &Emulator, data: &[u8]) -> Memory {
    let mut memory = emulator.zeros(data.len()).unwrap();
    emulator.upload(data, &mut memory, 0).unwrap();
    memory
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_ne_bytes()).collect()
}

fn words(emulator: &Emulator, memory: &Memory, count: usize) -> Vec<u32> {
    let mut bytes = vec![0; count * 4];
    emulator.download(memory, 0, &mut bytes).unwrap();
    let words = bytes.as_chunks().0;
    words.iter().copied().map(u32::from_ne_bytes).collect()
}

/// What the emulator says of a kernel with 64 threads that is wrong.
fn complaint(emulator: &Emulator, kernel: &'static str, arguments: &[Arg<'_, Memory>]) -> String {
    let error = emulator.launch(kernel, [1, 1], 64, arguments).unwrap_err();
    assert!(matches!(error, GpuError::Failed(_)));
    error.to_string()
}

#[test]
fn threads_of_a_block_meet_at_barriers() {
    both(|emulator| {
        let values: Vec<f32> = (0..300u16).map(f32::from).collect();
        let from = memory(&emulator, &floats(&values));
        let sums = emulator.zeros(6 * 4).unwrap();
        let arguments = [
            Arg::At(&from, 0),
            Arg::U32(300),
            Arg::F32(0.5),
            Arg::At(&sums, 0),
        ];
        emulator
            .launch("sum_blocks", [3, 2], 128, &arguments)
            .unwrap();
        let sum = |from: u32, to: u32| ((from..to).sum::<u32>() as f32 * 0.5).to_bits();
        let row = [sum(0, 128), sum(128, 256), sum(256, 300)];
        assert_eq!(words(&emulator, &sums, 6), [row, row].concat());

        let votes = emulator.zeros(64 * 4).unwrap();
        emulator
            .launch("vote", [1, 1], 64, &[Arg::At(&votes, 0)])
            .unwrap();
        assert_eq!(words(&emulator, &votes, 64), [10; 64]);
    });
}

#[test]
fn lanes_of_a_warp_exchange() {
    both(|emulator| {
        let out = emulator.zeros(5 * 64 * 4).unwrap();
        emulator
            .launch("exchange", [1, 1], 64, &[Arg::At(&out, 0)])
            .unwrap();
        let got = words(&emulator, &out, 5 * 64);
        for t in 0..64u32 {
            let (lane, at) = (t % 32, t as usize);
            assert_eq!(got[at], t ^ 5);
            assert_eq!(got[64 + at], if lane < 3 { t } else { t - 3 });
            assert_eq!(got[128 + at], if lane > 28 { t } else { t + 3 });
            assert_eq!(got[192 + at], t - lane + 7);
            let before = (t - lane..t).filter(|t| t % 3 == 0).count();
            assert_eq!(got[256 + at] as usize, before);
        }
    });
}

#[test]
fn numbers_are_rounded_as_half_does() {
    both(|emulator| {
        let mut values: Vec<f32> = (0..58u16)
            .map(|i| (f32::from(i) - 30.0) / 7.0 * 10f32.powi(i32::from(i) - 25))
            .collect();
        let ties = [
            0x3f80_8000,
            0x3f81_8000,
            0x3f80_8001,
            0x7f7f_ffff,
            0x8000_8000,
        ];
        values.extend(ties.map(f32::from_bits));
        values.push(f32::INFINITY);
        let from = memory(&emulator, &floats(&values));
        let to = emulator.zeros(64 * 4).unwrap();
        let arguments = [Arg::At(&from, 0), Arg::At(&to, 0)];
        emulator.launch("rounded", [1, 1], 64, &arguments).unwrap();
        for (value, got) in values.iter().zip(words(&emulator, &to, 64)) {
            assert_eq!(got, half::bf16::from_f32(*value).to_f32().to_bits());
        }
    });
}

#[test]
fn atomics_count() {
    both(|emulator| {
        let before = emulator.zeros(100 * 4).unwrap();
        let counts = emulator.zeros(8 * 4).unwrap();
        let arguments = [Arg::At(&before, 0), Arg::At(&counts, 0)];
        emulator.launch("tally", [3, 1], 100, &arguments).unwrap();
        let mut seen = words(&emulator, &before, 100);
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        let want = [39, 39, 39, 39, 36, 36, 36, 36];
        assert_eq!(words(&emulator, &counts, 8), want);
    });
}

#[test]
fn the_order_of_threads_is_seen_where_it_matters() {
    both(|emulator| {
        let out = emulator.zeros(256).unwrap();
        let argument = [Arg::At(&out, 0)];
        // a kernel whose name C has, too
        emulator.launch("select", [1, 3], 64, &argument).unwrap();
        let rows = words(&emulator, &out, 1)[0];
        emulator.launch("race", [1, 1], 64, &argument).unwrap();
        assert!(matches!(
            (rows, words(&emulator, &out, 1)[0]),
            (2, 63) | (0, 0)
        ));
    });
}

#[test]
fn barriers_that_some_threads_miss_are_named() {
    both(|emulator| {
        let out = emulator.zeros(256).unwrap();
        let argument = [Arg::At(&out, 0)];
        let missed = complaint(&emulator, "miss_barrier", &argument);
        assert!(missed.contains("miss_barrier"), "{missed}");
        assert!(missed.contains("thread 0 waits for its block in"));
        assert!(missed.contains("thread 3 has ended"), "{missed}");
        let parted = complaint(&emulator, "part_at_barriers", &argument);
        assert!(parted.contains("thread 3 waits for its block"), "{parted}");
        let left = complaint(&emulator, "leave_warp", &argument);
        assert!(left.contains("thread 0 waits for its warp"), "{left}");
        assert!(left.contains("thread 5 has ended"), "{left}");
        // and it goes on
        emulator.launch("vote", [1, 1], 64, &argument).unwrap();
        assert_eq!(words(&emulator, &out, 64), [10; 64]);
        let lacking = emulator.launch("exchange", [1, 1], 8, &argument);
        let lacking = lacking.unwrap_err().to_string();
        assert!(
            lacking.contains("lane 8, which the block lacks"),
            "{lacking}"
        );
    });
}

#[test]
fn writing_outside_of_memory_is_an_error() {
    // just behind it, on the next page, before it, far away; the last byte is within
    for (at, fine) in [(18, true), (19, false), (32, false), (u32::MAX, false)] {
        both(|emulator| {
            let out = emulator.zeros(19).unwrap();
            let arguments = [Arg::U32(at), Arg::At(&out, 0)];
            let result = emulator.launch("write_at", [1, 1], 1, &arguments);
            assert_eq!(result.is_ok(), fine, "{at}");
            if let Err(error) = result {
                let message = error.to_string();
                assert!(message.contains("kernel write_at"), "{message}");
            }
        });
    }
    both(|emulator| {
        let out = emulator.zeros(16).unwrap();
        let outside = [Arg::U32(0), Arg::At(&out, 17)];
        complaint(&emulator, "write_at", &outside);
        let misaligned = complaint(&emulator, "race", &[Arg::At(&out, 2)]);
        assert!(misaligned.contains("argument 1 is not aligned"));
        let message = complaint(&emulator, "index_array", &[Arg::U32(4), Arg::At(&out, 0)]);
        assert!(message.contains("kernel index_array indexes past"));
    });
    both(|emulator| {
        let out = emulator.zeros(16).unwrap();
        let message = complaint(&emulator, "shift", &[Arg::U32(32), Arg::At(&out, 0)]);
        assert!(message.contains("kernel shift"), "{message}");
        let after = emulator.zeros(1).unwrap_err().to_string();
        assert!(after.contains("the emulator has ended"), "{after}");
    });
}

#[test]
fn launches_that_do_not_fit_the_kernel_are_errors() {
    both(|emulator| {
        let out = emulator.zeros(256).unwrap();
        let said = |kernel, arguments: &[Arg<'_, Memory>]| complaint(&emulator, kernel, arguments);
        assert!(said("vote", &[]).contains("it takes 1 arguments, not 0"));
        assert!(said("vote", &[Arg::U32(1)]).contains("argument 1 is unsigned, not a pointer"));
        let float = [Arg::F32(1.0), Arg::At(&out, 0)];
        assert!(said("shift", &float).contains("argument 1 is float, not unsigned"));
        assert!(said("nowhere", &[]).contains("kernel nowhere: there is none of that name"));
        for (grid, threads) in [([0, 1], 1), ([1, 1], 1025), ([1, 65536], 1)] {
            let argument = [Arg::At(&out, 0)];
            let launched = emulator.launch("vote", grid, threads, &argument);
            assert!(launched.is_err());
        }
    });
}

#[test]
fn memory_is_not_used_while_it_is_sent_to() {
    both(|emulator| {
        let mut out = emulator.zeros(256).unwrap();
        emulator.send(&[7; 4], &mut out).unwrap();
        let early = complaint(&emulator, "vote", &[Arg::At(&out, 0)]);
        assert!(early.contains("arrived() comes first"), "{early}");
        emulator.arrived().unwrap();
        assert_eq!(words(&emulator, &out, 2), [0x0707_0707, 0]);
        // what nobody waits for does no harm
        emulator.send(&[7; 4], &mut out).unwrap();
        drop(out);
        emulator.arrived().unwrap();
        let vast = emulator.zeros(usize::MAX / 4).unwrap_err();
        assert!(matches!(vast, GpuError::Memory { bytes } if bytes == usize::MAX / 4));
    });
}
