//! Colours of values and ranges that colour-blind people tell apart. `structure.js` has the same scale.

/// Viridis (matplotlib) at 0, 0.1, ..., 1.
pub const VIRIDIS: [&str; 11] = [
    "#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70",
    "#7ad151", "#bddf26", "#fde725",
];

/// What has no value.
pub(super) const NO_VALUE: &str = "#b8b8b8";

/// Colours of ranges in turn (Okabe and Ito), without those that viridis has.
pub const RANGE_COLORS: [&str; 5] = ["#d55e00", "#cc79a7", "#0072b2", "#e69f00", "#000000"];

/// The step of a value from 0 to 1.
pub(super) fn step(value: f32) -> usize {
    let last = VIRIDIS.len() - 1;
    let steps = (0..last).filter(|&i| value * last as f32 >= i as f32 + 0.5);
    steps.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_nearest_step() {
        let steps = [0.0, 0.049, 0.051, 0.5, 0.94, 0.96, 1.0, 7.0, -1.0].map(step);
        assert_eq!(steps, [0, 0, 1, 5, 9, 10, 10, 10, 0]);
    }

    #[test]
    fn the_page_draws_with_the_same_colours() {
        let script = include_str!("../page/assets/structure.js");
        for color in VIRIDIS.iter().chain([&NO_VALUE]) {
            assert!(script.contains(color), "{color}");
        }
    }
}
