//! Charts as SVG, by `plotters`; and the curves of a training run as one HTML file, which needs nothing else.
//!
//! The same numbers give the same bytes.

use plotters::{
    chart::ChartContext,
    coord::types::RangedCoordf64,
    prelude::{
        Cartesian2d, ChartBuilder, Circle, IntoDrawingArea, LineSeries, RGBColor, SVGBackend,
    },
    style::{Color, IntoFont},
};
use std::io::{self, Write};

/// Points of a line that are drawn; more are averaged.
const POINTS: usize = 400;
/// Width and height of a chart, in pixels.
const SIZE: (u32, u32) = (460, 244);
/// Colours of lines, in turn; pages give them others by these, in the dark.
const COLORS: [RGBColor; 3] = [
    RGBColor(31, 119, 180),
    RGBColor(217, 95, 2),
    RGBColor(42, 157, 85),
];
/// Colour of axes, grid and text, which pages replace by that of their text.
const INK: RGBColor = RGBColor(0, 0, 0);

/// A line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name in the key.
    pub label: &'static str,
    /// Places, by ascending first number; what is not finite is left out.
    pub points: Vec<(f64, f64)>,
    /// Whether its points are few, so that each is marked.
    pub marked: bool,
}

/// What the axes of a chart are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axes {
    /// Steps of training, and whatever values there are.
    Steps,
    /// Two shares from 0 to 1, by their names.
    Shares {
        /// Across.
        x: &'static str,
        /// Upwards.
        y: &'static str,
    },
}

/// Lines over the same axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What is drawn.
    pub title: &'static str,
    /// Over what.
    pub axes: Axes,
    /// The lines.
    pub lines: Vec<Line>,
}

/// Means of neighbours, so that few points remain; what is not finite is left out.
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let finite = points.iter().filter(|p| p.0.is_finite() && p.1.is_finite());
    let finite: Vec<_> = finite.copied().collect();
    let group = finite.len().div_ceil(POINTS).max(1);
    let mean = |group: &[(f64, f64)]| {
        let count = group.len() as f64;
        let sum = |of: fn(&(f64, f64)) -> f64| group.iter().map(of).sum::<f64>() / count;
        (sum(|p| p.0), sum(|p| p.1))
    };
    finite.chunks(group).map(mean).collect()
}

/// From the least to the largest of some values, with room around them.
fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
        (a.min(v), b.max(v))
    });
    if least > most {
        return (0.0, 1.0);
    }
    let room = if most > least {
        0.05 * (most - least)
    } else {
        0.5 * least.abs().max(1.0)
    };
    (least - room, most + room)
}

/// A tick's number: short, and no more digits than it has.
fn tick(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".into()
    } else {
        text.into()
    }
}

/// The places of a chart on its canvas.
type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

impl Chart {
    /// Whether any line has a point.
    #[must_use]
    pub fn has_points(&self) -> bool {
        self.lines.iter().any(|line| !thin(&line.points).is_empty())
    }

    /// The chart as an `svg` element.
    ///
    /// # Errors
    /// Where it cannot be drawn, which would be a bug.
    pub fn svg(&self) -> io::Result<String> {
        Ok(self.frame()?.0)
    }

    /// The same, with the pixels of both ends of its axes: left, bottom, right and top.
    ///
    /// # Errors
    /// As [`Chart::svg`].
    pub fn frame(&self) -> io::Result<(String, [i32; 4])> {
        let mut svg = String::new();
        let ends = self.draw(&mut svg).map_err(io::Error::other)?;
        let open = format!("<svg role=\"img\" aria-label=\"{}\" ", self.title);
        let svg = svg.replacen("<svg ", &open, 1);
        // what a reader takes for granted
        let short = svg
            .replace(" opacity=\"1\"", "")
            .replace(" font-family=\"sans-serif\"", "");
        Ok((short.lines().collect(), ends))
    }

    fn draw(&self, svg: &mut String) -> Result<[i32; 4], String> {
        let lines: Vec<Vec<(f64, f64)>> = self.lines.iter().map(|l| thin(&l.points)).collect();
        let all = || lines.iter().flatten();
        let (across, up) = match self.axes {
            Axes::Steps => (span(all().map(|p| p.0)), span(all().map(|p| p.1))),
            Axes::Shares { .. } => ((0.0, 1.0), (0.0, 1.0)),
        };
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(6)
            .margin_right(14)
            .caption(self.title, ("sans-serif", 13).into_font())
            .x_label_area_size(if self.axes == Axes::Steps { 24 } else { 40 })
            .y_label_area_size(if self.axes == Axes::Steps { 52 } else { 58 })
            .build_cartesian_2d(across.0..across.1, up.0..up.1)
            .map_err(|e| e.to_string())?;
        self.draw_mesh(&mut chart)?;
        for (number, (line, points)) in self.lines.iter().zip(lines).enumerate() {
            let color = COLORS[number % COLORS.len()];
            let marks = points.clone();
            chart
                .draw_series(LineSeries::new(points, color.stroke_width(2)))
                .map_err(|e| e.to_string())?;
            let marks = marks.into_iter().filter(|_| line.marked);
            chart
                .draw_series(marks.map(|point| Circle::new(point, 3, color.filled())))
                .map_err(|e| e.to_string())?;
        }
        let (left, bottom) = chart.backend_coord(&(across.0, up.0));
        let (right, top) = chart.backend_coord(&(across.1, up.1));
        root.present().map_err(|e| e.to_string())?;
        Ok([left, bottom, right, top])
    }

    fn draw_mesh(&self, chart: &mut Plane<'_, '_>) -> Result<(), String> {
        let label = |value: &f64| tick(*value);
        let mut mesh = chart.configure_mesh();
        mesh.disable_x_mesh()
            .x_labels(6)
            .y_labels(6)
            .bold_line_style(INK.mix(0.15))
            .light_line_style(INK.mix(0.0))
            .x_label_formatter(&label)
            .y_label_formatter(&label);
        if let Axes::Shares { x, y } = self.axes {
            mesh.x_desc(x).y_desc(y);
        }
        mesh.draw().map_err(|e| e.to_string())
    }

    /// The names of its lines that have points, with the number of their colour.
    pub fn key(&self) -> impl Iterator<Item = (usize, &'static str)> {
        let named = self.lines.iter().enumerate();
        let drawn = named.filter(|(_, line)| !thin(&line.points).is_empty());
        drawn.map(|(number, line)| (number, line.label))
    }
}

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>protsae-train</title><style>
:root{color-scheme:light dark;--c0:#1f77b4;--c1:#d95f02;--c2:#2a9d55}
@media(prefers-color-scheme:dark){:root{--c0:#6ab0e6;--c1:#f59b51;--c2:#6fcf97}}
body{font:13px system-ui,sans-serif;margin:1.5em}figure{display:inline-block;margin:0 1em 1em 0}
figcaption{text-align:right}.c0{color:var(--c0)}.c1{color:var(--c1)}.c2{color:var(--c2)}
svg text{fill:currentColor}svg [stroke=\"#000000\"]{stroke:currentColor}
[stroke=\"#1F77B4\"]{stroke:var(--c0)}[stroke=\"#D95F02\"]{stroke:var(--c1)}
circle[fill=\"#1F77B4\"]{fill:var(--c0)}circle[fill=\"#D95F02\"]{fill:var(--c1)}
</style></head><body>
";

/// Writes the charts under a heading; those without a point are left out.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(mut out: impl Write, heading: &str, charts: &[Chart]) -> io::Result<()> {
    let escaped = heading.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(out, "{HEAD}<p>{escaped}</p>")?;
    for chart in charts.iter().filter(|chart| chart.has_points()) {
        let key = chart.key();
        let names: Vec<String> = key
            .map(|(number, label)| format!("<span class=\"c{number}\">{label}</span>"))
            .collect();
        writeln!(
            out,
            "<figure>{}<figcaption>{}</figcaption></figure>",
            chart.svg()?,
            names.join(" ")
        )?;
    }
    out.write_all(b"</body></html>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> Chart {
        Chart {
            title: "FVU",
            axes: Axes::Steps,
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
        let falling = (1..=1000).map(|s| (f64::from(s) * 10.0, 1.0 / f64::from(s)));
        let text = page(&[chart(falling.collect())]);
        assert_eq!(text.matches("<svg").count(), 1);
        assert!(text.contains("a &lt; b"));
        let marks = text.split("<circle").skip(1);
        assert!((100..=POINTS).contains(&marks.clone().count()));
        let number = |mark: &str, name: &str| -> u32 {
            let rest = mark.split(&format!("{name}=\"")).nth(1).unwrap();
            rest.split('"').next().unwrap().parse().unwrap()
        };
        for mark in marks {
            assert!(number(mark, "cx") <= SIZE.0 && number(mark, "cy") <= SIZE.1);
        }
    }

    #[test]
    fn one_point_or_none_is_no_failure() {
        assert!(page(&[chart(vec![(3.0, 0.0)])]).contains("<circle"));
        let empty = [chart(vec![(3.0, f64::NAN)]), chart(Vec::new())];
        assert!(!page(&empty).contains("<svg"));
        assert_eq!(
            [0.2, -0.0, 1e6, 250.0].map(tick),
            ["0.2", "0", "1.0e6", "250"]
        );
    }
}
