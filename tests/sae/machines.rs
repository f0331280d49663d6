//! Checks that hold on every machine: on the emulator in both of its orders, and on a GPU where the
//! build has CUDA and there is one.

use half::bf16;
use protsae::train::gpu::{Arg, GpuBackend, GpuError, Operand, Product, View};

/// Makes tests of functions `fn name<M: GpuBackend>(machine: &M)`.
macro_rules! on_machines {
    ($($check:ident),+ $(,)?) => {$(
        mod $check {
            #[test]
            fn on_the_emulator() {
                use crate::emulator::{Emulator, Order};
                for order in [Order::Ascending, Order::Descending] {
                    if let Some(emulator) = Emulator::new(order) {
                        super::$check(&emulator);
                    }
                }
            }

            #[cfg(feature = "cuda")]
            #[test]
            fn on_a_gpu() {
                if let Some(gpu) = crate::machines::gpu() {
                    super::$check(&gpu);
                }
            }
        }
    )+};
}
pub(crate) use on_machines;

/// The first GPU; none where none opens, with a word on stderr.
#[cfg(feature = "cuda")]
pub(crate) fn gpu() -> Option<protsae::train::gpu::cuda::Cuda> {
    match protsae::train::gpu::cuda::Cuda::new(0) {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            crate::skip::skipped(error);
            None
        }
    }
}

/// Launches a kernel of a check.
#[expect(unsafe_code, reason = "kernels take pointers")]
fn launch<M: GpuBackend>(
    machine: &M,
    kernel: &'static str,
    grid: [usize; 2],
    threads: usize,
    arguments: &[Arg<'_, M::Memory>],
) -> Result<(), GpuError> {
    // SAFETY: the emulated machine checks every access, and a GPU gets no others.
    unsafe { machine.launch(kernel, grid, threads, arguments) }
}

on_machines!(
    copies_come_back,
    what_does_not_fit_is_refused,
    sent_numbers_arrive,
    kernels_see_what_was_sent,
    products_are_those_of_loops,
    halves_become_floats,
    lists_begin_where_others_end,
    unsummed_parts_are_added,
);

/// Memory that holds numbers.
pub(crate) fn memory<M: GpuBackend, T: bytemuck::NoUninit>(machine: &M, values: &[T]) -> M::Memory {
    let mut memory = machine.zeros(size_of_val(values)).unwrap();
    let bytes = bytemuck::cast_slice(values);
    machine.upload(bytes, &mut memory, 0).unwrap();
    memory
}

/// The first numbers of a memory.
pub(crate) fn fetch<M, T>(machine: &M, memory: &M::Memory, count: usize) -> Vec<T>
where
    M: GpuBackend,
    T: bytemuck::NoUninit + bytemuck::AnyBitPattern,
{
    let mut out = vec![T::zeroed(); count];
    let bytes = bytemuck::cast_slice_mut(&mut out);
    machine.download(memory, 0, bytes).unwrap();
    out
}

fn copies_come_back<M: GpuBackend>(machine: &M) {
    let mut memory = machine.zeros(11).unwrap();
    assert_eq!(fetch::<M, u8>(machine, &memory, 11), [0; 11]);
    machine.upload(&[1, 2, 3], &mut memory, 8).unwrap();
    let mut part = [0; 4];
    machine.download(&memory, 7, &mut part).unwrap();
    assert_eq!(part, [0, 1, 2, 3]);
    machine.clear(&mut memory).unwrap();
    assert_eq!(fetch::<M, u8>(machine, &memory, 11), [0; 11]);
}

fn what_does_not_fit_is_refused<M: GpuBackend>(machine: &M) {
    let mut small = machine.zeros(16).unwrap();
    let refused =
        |result: Result<(), GpuError>| assert!(matches!(result, Err(GpuError::Failed(_))));
    refused(machine.upload(&[0; 4], &mut small, 13));
    refused(machine.send(&[0; 17], &mut small));
    refused(machine.download(&small, 13, &mut [0; 4]));
    refused(launch(
        machine,
        "learn_small",
        [1, 1],
        32,
        &[Arg::At(&small, 17)],
    ));
    refused(launch(machine, "no_such_kernel", [1, 1], 32, &[]));
    let view = View {
        memory: &small,
        from: 0,
        stride: 2,
    };
    refused(machine.multiply(&Product {
        operand: Operand::F32,
        a: view,
        a_turned: false,
        b: view,
        b_turned: false,
        c: View { from: 1, ..view },
        rows: 2,
        columns: 2,
        inner: 2,
    }));
}

fn sent_numbers_arrive<M: GpuBackend>(machine: &M) {
    let turns: Vec<Vec<u32>> = (0..7u32).map(|turn| vec![turn; 10_000]).collect();
    let mut halves = [
        machine.zeros(40_000).unwrap(),
        machine.zeros(40_000).unwrap(),
    ];
    for (turn, values) in turns.iter().enumerate() {
        let to = &mut halves[turn % 2];
        machine.send(bytemuck::cast_slice(values), to).unwrap();
        machine.arrived().unwrap();
        let got = fetch::<M, u32>(machine, &halves[turn % 2], values.len());
        assert_eq!(&got, values);
    }
    // nothing was sent
    machine.arrived().unwrap();
}

/// No copy of what is sent comes late for its kernel, or early for the one that still reads the memory: nothing
/// but kernels uses it, and nobody waits before the end.
fn kernels_see_what_was_sent<M: GpuBackend>(machine: &M) {
    let (parts, columns, turns) = (2_000, 8, 9);
    let make = || machine.zeros(parts * columns * 4).unwrap();
    let mut halves = [make(), make()];
    let sums = machine.zeros(turns * columns * 4).unwrap();
    for turn in 0..turns {
        let to = &mut halves[turn % 2];
        let values = vec![turn as f32 + 1.0; parts * columns];
        machine.send(bytemuck::cast_slice(&values), to).unwrap();
        machine.arrived().unwrap();
        let arguments = [
            Arg::At(to, 0),
            Arg::U32(parts as u32),
            Arg::U32(columns as u32),
            Arg::F32(0.5),
            Arg::At(&sums, turn * columns * 4),
        ];
        let blocks = [columns * 32 / 64, 1];
        launch(machine, "add_parts", blocks, 64, &arguments).unwrap();
    }
    let got = fetch::<M, f32>(machine, &sums, turns * columns);
    for (turn, sums) in got.chunks(columns).enumerate() {
        let want = (turn as f32 + 1.0) * parts as f32 / 2.0;
        assert_eq!(sums, vec![want; columns], "turn {turn}");
    }
}

/// Whole numbers, so that sums have no error, whatever their order.
fn whole(count: usize, step: usize) -> Vec<f32> {
    (0..count).map(|i| (i * step % 13) as f32 - 6.0).collect()
}

fn products_are_those_of_loops<M: GpuBackend>(machine: &M) {
    let (rows, columns, inner, from, room) = (5, 9, 7, 3, 2);
    for operand in [Operand::F32, Operand::Bf16] {
        for (a_turned, b_turned) in [(false, false), (false, true), (true, false), (true, true)] {
            let (a_stride, b_stride) = (
                if a_turned { rows } else { inner } + room,
                if b_turned { inner } else { columns } + room,
            );
            let (a, b) = (whole(150, 5), whole(150, 7));
            let upload = |values: &[f32]| match operand {
                Operand::F32 => memory(machine, values),
                Operand::Bf16 => {
                    let halves: Vec<u16> = values
                        .iter()
                        .map(|v| bf16::from_f32(*v).to_bits())
                        .collect();
                    memory(machine, &halves)
                }
            };
            let (a_memory, b_memory) = (upload(&a), upload(&b));
            let c_stride = columns + 1;
            let c_memory = memory(machine, &[0.5f32; 60]);
            let view = |memory, stride| View {
                memory,
                from,
                stride,
            };
            let product = Product {
                operand,
                a: view(&a_memory, a_stride),
                a_turned,
                b: view(&b_memory, b_stride),
                b_turned,
                c: view(&c_memory, c_stride),
                rows,
                columns,
                inner,
            };
            machine.multiply(&product).unwrap();
            let mut want = [0.5f32; 60];
            let at = |turned: bool, stride: usize, i: usize, j: usize| {
                from + if turned {
                    j * stride + i
                } else {
                    i * stride + j
                }
            };
            for i in 0..rows {
                for j in 0..columns {
                    want[from + i * c_stride + j] = (0..inner)
                        .map(|k| a[at(a_turned, a_stride, i, k)] * b[at(b_turned, b_stride, k, j)])
                        .sum();
                }
            }
            assert_eq!(fetch::<M, f32>(machine, &c_memory, 60), want);
            // a sum of nothing is 0
            let nothing = Product {
                inner: 0,
                ..product
            };
            machine.multiply(&nothing).unwrap();
            for i in 0..rows {
                want[from + i * c_stride..][..columns].fill(0.0);
            }
            assert_eq!(fetch::<M, f32>(machine, &c_memory, 60), want);
        }
    }
}

fn halves_become_floats<M: GpuBackend>(machine: &M) {
    // every finite pattern, in rows of 128; rows are asked for in descending order
    let bits: Vec<u16> = (0..=u16::MAX)
        .map(|bits| if bits & 0x7c00 == 0x7c00 { 0 } else { bits })
        .collect();
    let rows: Vec<u32> = (0..512).rev().collect();
    let table = memory(machine, &bits);
    let named = memory(machine, &rows);
    let out = machine.zeros(65_536 * 4).unwrap();
    let arguments = [
        Arg::At(&table, 0),
        Arg::At(&named, 0),
        Arg::F32(0.5),
        Arg::U32(128),
        Arg::At(&out, 0),
    ];
    launch(machine, "take_f16", [512, 1], 64, &arguments).unwrap();
    let got = fetch::<M, f32>(machine, &out, 65_536);
    for (row, values) in rows.iter().zip(got.chunks(128)) {
        for (bits, value) in bits[*row as usize * 128..].iter().zip(values) {
            let want = half::f16::from_bits(*bits).to_f32() * 0.5;
            assert_eq!(value.to_bits(), want.to_bits(), "{bits:#x}");
        }
    }
}

fn lists_begin_where_others_end<M: GpuBackend>(machine: &M) {
    for latents in [1, 63, 64, 65, 1000] {
        let active: Vec<u32> = (0..latents).map(|i| i * 7 % 5).collect();
        let active_memory = memory(machine, &active);
        let starts = machine.zeros((active.len() + 1) * 4).unwrap();
        let arguments = [
            Arg::At(&active_memory, 0),
            Arg::U32(latents),
            Arg::At(&starts, 0),
        ];
        launch(machine, "begin_lists", [1, 1], 64, &arguments).unwrap();
        let mut want = vec![0];
        for count in active {
            want.push(want.last().unwrap() + count);
        }
        assert_eq!(fetch::<M, u32>(machine, &starts, want.len()), want);
    }
}

fn unsummed_parts_are_added<M: GpuBackend>(machine: &M) {
    let (count, columns) = (77, 5);
    let parts = whole(count * columns, 3);
    let parts_memory = memory(machine, &parts);
    let out = memory(machine, &[1.0f32; 5]);
    let arguments = [
        Arg::At(&parts_memory, 0),
        Arg::U32(77),
        Arg::U32(5),
        Arg::F32(-2.0),
        Arg::At(&out, 0),
    ];
    launch(machine, "add_parts", [3, 1], 64, &arguments).unwrap();
    let sum = |column: usize| parts.iter().skip(column).step_by(columns).sum::<f32>();
    let want: Vec<f32> = (0..columns).map(|c| 1.0 - 2.0 * sum(c)).collect();
    assert_eq!(fetch::<M, f32>(machine, &out, columns), want);
}
