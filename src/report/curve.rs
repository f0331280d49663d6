//! Curves of a training run: one HTML file with drawings in SVG, which needs nothing else.
//!
//! The same numbers give the same bytes.

use std::{
    fmt::{self, Write as _},
    io::{self, Write},
};

/// Points of a line that are drawn; more are averaged.
const POINTS: usize = 400;

/// Size of a chart's plot, in pixels.
struct Size {
    width: f64,
    height: f64,
}

/// Room for labels, in pixels.
struct Margin {
    left: f64,
    top: f64,
    around: f64,
}

const PLOT: Size = Size {
    width: 380.0,
    height: 170.0,
};
const MARGIN: Margin = Margin {
    left: 58.0,
    top: 30.0,
    around: 24.0,
};

/// A line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name in the key.
    pub label: &'static str,
    /// Step and value, by ascending step; what is not finite is left out.
    pub points: Vec<(u64, f64)>,
    /// Whether its points are few, so that each is marked.
    pub marked: bool,
}

/// Lines over the same steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What is drawn.
    pub title: &'static str,
    /// The lines.
    pub lines: Vec<Line>,
}

/// Where values stand between two ends.
struct Axis {
    from: f64,
    to: f64,
    ticks: Vec<f64>,
}

impl Axis {
    /// From below the least to above the largest of `values`, with round ticks.
    fn over(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
            (a.min(v), b.max(v))
        });
        let (least, most) = match (least <= most, most > least) {
            (true, true) => (least, most),
            (true, false) => (
                least - 0.5 * least.abs().max(1.0),
                least + 0.5 * least.abs().max(1.0),
            ),
            _ => (0.0, 1.0),
        };
        let rough = (most - least) / 4.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|f| f * power)
            .find(|&s| s >= rough)
            .unwrap_or(10.0 * power);
        let (first, last) = ((least / step).floor(), (most / step).ceil());
        // round steps between ends of the same order: a handful
        let steps = (0..=10).map(|i| first + f64::from(i));
        let ticks: Vec<f64> = steps.take_while(|&i| i <= last).map(|i| i * step).collect();
        Self {
            from: first * step,
            to: last * step,
            ticks,
        }
    }

    fn at(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }

    /// A tick's number, in as many digits as the distance of ticks asks for.
    fn label(&self, tick: f64) -> String {
        let step = (self.to - self.from) / (self.ticks.len() - 1) as f64;
        let large = self.from.abs().max(self.to.abs());
        if !(1e-3..1e5).contains(&large) {
            return format!("{tick:.1e}");
        }
        // one more digit for each power of ten that the steps are below 1
        let powers = [1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5];
        let digits = powers.iter().filter(|&&p| step < p * (1.0 - 1e-9)).count();
        format!("{tick:.digits$}")
    }
}

/// A value, or the mean of neighbours.
struct Point {
    step: f64,
    value: f64,
}

/// Means of neighbours, so that few points remain.
fn thin(points: &[(u64, f64)]) -> Vec<Point> {
    let group = points.len().div_ceil(POINTS).max(1);
    points
        .chunks(group)
        .map(|group| {
            let count = group.len() as f64;
            let sum = |of: fn(&(u64, f64)) -> f64| group.iter().map(of).sum::<f64>() / count;
            Point {
                step: sum(|p| p.0 as f64),
                value: sum(|p| p.1),
            }
        })
        .collect()
}

/// A line of a chart with the points that are drawn of it.
struct Drawn<'a> {
    line: &'a Line,
    points: Vec<Point>,
}

/// The plot of a chart: where a point stands in it.
struct Plot {
    x: Axis,
    y: Axis,
}

impl Plot {
    fn over(lines: &[Drawn<'_>]) -> Self {
        let all = lines.iter().flat_map(|drawn| &drawn.points);
        Self {
            x: Axis::over(all.clone().map(|p| p.step)),
            y: Axis::over(all.map(|p| p.value)),
        }
    }

    /// Pixels from the left.
    fn across(&self, step: f64) -> f64 {
        MARGIN.left + PLOT.width * self.x.at(step)
    }

    /// Pixels from the top.
    fn down(&self, value: f64) -> f64 {
        MARGIN.top + PLOT.height * (1.0 - self.y.at(value))
    }

    /// The grid, and the numbers of both axes.
    fn draw_axes(&self, svg: &mut String) -> fmt::Result {
        for &tick in &self.y.ticks {
            let at = self.down(tick);
            write!(
                svg,
                "<path class=\"g\" d=\"M{} {at:.1}h{}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                MARGIN.left,
                PLOT.width,
                MARGIN.left - 6.0,
                at + 4.0,
                self.y.label(tick)
            )?;
        }
        for &tick in &self.x.ticks {
            write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                self.across(tick),
                MARGIN.top + PLOT.height + 18.0,
                self.x.label(tick)
            )?;
        }
        Ok(())
    }

    /// A line, and its points where they are marked.
    fn draw_line(&self, number: usize, drawn: &Drawn<'_>, svg: &mut String) -> fmt::Result {
        let mut path = String::new();
        for (i, point) in drawn.points.iter().enumerate() {
            let (x, y) = (self.across(point.step), self.down(point.value));
            write!(path, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" })?;
        }
        write!(svg, "<path class=\"l c{number}\" d=\"{path}\"/>")?;
        for point in drawn.points.iter().filter(|_| drawn.line.marked) {
            write!(
                svg,
                "<circle class=\"c{number}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"><title>step {}: {:.4}</title></circle>",
                self.across(point.step),
                self.down(point.value),
                point.step,
                point.value
            )?;
        }
        Ok(())
    }
}

fn draw(chart: &Chart, svg: &mut String) -> fmt::Result {
    let lines: Vec<Drawn<'_>> = chart
        .lines
        .iter()
        .map(|line| {
            let finite = line.points.iter().filter(|p| p.1.is_finite()).copied();
            let points = thin(&finite.collect::<Vec<_>>());
            Drawn { line, points }
        })
        .filter(|drawn| !drawn.points.is_empty())
        .collect();
    let width = MARGIN.left + PLOT.width + MARGIN.around;
    let height = MARGIN.top + PLOT.height + 2.0 * MARGIN.around;
    write!(
        svg,
        "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{0}\">\
         <text class=\"t\" x=\"{1}\" y=\"18\">{0}</text>",
        chart.title, MARGIN.left
    )?;
    let plot = Plot::over(&lines);
    plot.draw_axes(svg)?;
    let mut key = MARGIN.left + PLOT.width;
    for (number, drawn) in lines.iter().enumerate().rev() {
        plot.draw_line(number, drawn, svg)?;
        let label = drawn.line.label;
        write!(
            svg,
            "<text class=\"c{number}\" x=\"{key:.1}\" y=\"18\" text-anchor=\"end\">{label}</text>",
        )?;
        key -= 8.0 * label.len() as f64 + 12.0;
    }
    svg.push_str("</svg>\n");
    Ok(())
}

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>protsae-train</title><style>
:root{color-scheme:light dark;--a:#1f77b4;--b:#d95f02;--c:#2a9d55}
@media(prefers-color-scheme:dark){:root{--a:#6ab0e6;--b:#f59b51;--c:#6fcf97}}
body{font:13px system-ui,sans-serif;margin:1.5em}svg{margin:0 1em 1em 0}
text{font-size:11px;fill:currentColor}.t{font-size:13px;font-weight:600}
.g{stroke:currentColor;opacity:.15}.l{fill:none;stroke-width:1.6;stroke-linejoin:round}
path.c0{stroke:var(--a)}path.c1{stroke:var(--b)}path.c2{stroke:var(--c)}
text.c0,circle.c0{fill:var(--a)}text.c1,circle.c1{fill:var(--b)}text.c2,circle.c2{fill:var(--c)}
</style></head><body>
";

/// Writes the charts under a heading; those without a point are left out.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(mut out: impl Write, heading: &str, charts: &[Chart]) -> io::Result<()> {
    let mut text = HEAD.to_owned();
    let escaped = heading.replace('&', "&amp;").replace('<', "&lt;");
    // writing to a string cannot fail
    let _ = writeln!(text, "<p>{escaped}</p>");
    for chart in charts {
        let finite = |line: &Line| line.points.iter().any(|p| p.1.is_finite());
        if chart.lines.iter().any(finite) {
            let _ = draw(chart, &mut text);
        }
    }
    text.push_str("</body></html>\n");
    out.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(u64, f64)>) -> Chart {
        Chart {
            title: "FVU",
            lines: vec![Line {
                label: "training",
                points,
                marked: true,
            }],
        }
    }

    fn page(charts: &[Chart]) -> String {
        let mut out = Vec::new();
        write(&mut out, "a < b", charts).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_point_lies_within_its_chart() {
        let falling = (1..=1000).map(|s| (s * 10, 1.0 / s as f64)).collect();
        let text = page(&[chart(falling)]);
        assert_eq!(text.matches("<svg").count(), 1);
        assert!(text.contains("a &lt; b"));
        let marks = text.split("<circle").skip(1);
        assert!(marks.clone().count() <= POINTS);
        let number = |mark: &str, name: &str| -> f64 {
            let rest = mark.split(&format!("{name}=\"")).nth(1).unwrap();
            rest.split('"').next().unwrap().parse().unwrap()
        };
        for mark in marks {
            let (x, y) = (number(mark, "cx"), number(mark, "cy"));
            assert!((MARGIN.left..=MARGIN.left + PLOT.width).contains(&x), "{x}");
            assert!((MARGIN.top..=MARGIN.top + PLOT.height).contains(&y), "{y}");
        }
    }

    #[test]
    fn one_point_or_none_is_no_failure() {
        assert!(page(&[chart(vec![(3, 0.0)])]).contains("<circle"));
        assert!(!page(&[chart(vec![(3, f64::NAN)]), chart(Vec::new())]).contains("<svg"));
        let axis = Axis::over([0.12, 0.57].into_iter());
        assert_eq!(axis.label(axis.ticks[1]), "0.2");
        assert!(axis.from <= 0.12 && axis.to >= 0.57);
    }
}
