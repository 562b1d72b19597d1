package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// colors are those of the columns of a table, by turns.
var colors = []string{"#7f7f7f", "#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#d62728"}

// writePlots writes a chart of each table.
func writePlots(folder string, all []figure) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, t := range tables(all) {
		chart := t.bars
		if t.axis != "" && len(t.rows) > 1 {
			chart = t.lines
		}
		if err := os.WriteFile(filepath.Join(folder, slug(t.title)+".svg"), chart(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// slug makes a file name of a title.
func slug(title string) string {
	words := strings.FieldsFunc(strings.ReplaceAll(strings.ToLower(title), "µ", "u"), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.'
	})
	return strings.Join(words, "-")
}

// svg is a drawing under way.
type svg struct{ bytes.Buffer }

func newSVG(width, height int, title string) *svg {
	d := &svg{}
	fmt.Fprintf(d, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(d, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	d.text(12, 20, "start", "black", title)
	return d
}

func (d *svg) text(x, y float64, anchor, color, text string) {
	fmt.Fprintf(d, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, anchor, color, html.EscapeString(text))
}

func (d *svg) line(x1, y1, x2, y2 float64, color string, width float64) {
	fmt.Fprintf(d, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g"/>`+"\n", x1, y1, x2, y2, color, width)
}

func (d *svg) end() []byte {
	d.WriteString("</svg>\n")
	return d.Bytes()
}

// legend names the columns, if there are several.
func (t *table) legend(d *svg, x, y float64) {
	if len(t.columns) < 2 {
		return
	}
	for i, c := range t.columns {
		fmt.Fprintf(d, `<rect x="%.1f" y="%.1f" width="10" height="10" fill="%s"/>`+"\n", x, y-9, colors[i%len(colors)])
		d.text(x+14, y, "start", "black", c)
		x += 30 + 7*float64(len(c))
	}
}

func (t *table) highest() (high float64) {
	for _, f := range t.cells {
		high = max(high, f.Value)
	}
	return high
}

// bars draws a group of bars for each row, and a bar for each column.
func (t *table) bars() []byte {
	const width, left, length, thick, head = 1020, 460.0, 360.0, 14.0, 50.0
	group := float64(len(t.columns))*thick + 12
	d := newSVG(width, int(head+group*float64(len(t.rows)))+10, t.title)
	t.legend(d, 12, 38)
	high := t.highest()
	for i, r := range t.rows {
		top := head + float64(i)*group
		d.text(left-8, top+float64(len(t.columns))*thick/2+4, "end", "black", r)
		for j, c := range t.columns {
			f, ok := t.cells[cell{r, c}]
			if !ok {
				continue
			}
			y, bar := top+float64(j)*thick, 0.0
			if high > 0 {
				bar = length * f.Value / high
			}
			fmt.Fprintf(d, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", left, y, bar, thick-2, colors[j%len(colors)])
			d.text(left+bar+5, y+thick-4, "start", "#444", t.text(f))
		}
	}
	return d.end()
}

// lines draws a line for each column, over what grows. Both axes are logarithmic.
func (t *table) lines() []byte {
	const width, height, left, right, top, bottom = 640, 400, 70.0, 610.0, 60.0, 350.0
	d := newSVG(width, height, t.title)
	t.legend(d, 12, 38)
	xs, ys := t.spans()
	at := func(f figure) (x, y float64) {
		return left + xs.part(f.X)*(right-left), bottom - ys.part(f.Value)*(bottom-top)
	}
	for _, v := range xs.decades() {
		x := left + xs.part(v)*(right-left)
		d.line(x, top, x, bottom, "#ddd", 1)
		d.text(x, bottom+16, "middle", "#444", fmt.Sprintf("%.0f", v))
	}
	for _, v := range ys.decades() {
		y := bottom - ys.part(v)*(bottom-top)
		d.line(left, y, right, y, "#ddd", 1)
		d.text(left-6, y+4, "end", "#444", fmt.Sprintf("%g", v))
	}
	d.text((left+right)/2, bottom+36, "middle", "black", t.axis)
	for i, c := range t.columns {
		t.line(d, c, colors[i%len(colors)], at)
	}
	return d.end()
}

// line draws one column, where its values are more than 0.
func (t *table) line(d *svg, column, color string, at func(figure) (x, y float64)) {
	var points []string
	for _, r := range t.rows {
		f, ok := t.cells[cell{r, column}]
		if !ok || f.Value <= 0 {
			continue
		}
		x, y := at(f)
		points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
		fmt.Fprintf(d, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x, y, color)
		d.text(x, y-7, "middle", color, fmt.Sprintf("%.3g", f.Value))
	}
	fmt.Fprintf(d, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), color)
}

// span is a stretch of a logarithmic axis, in powers of ten.
type span struct{ low, high float64 }

// spans are those of the axes, each a whole number of decades.
func (t *table) spans() (xs, ys span) {
	xs, ys = span{math.Inf(1), math.Inf(-1)}, span{math.Inf(1), math.Inf(-1)}
	for _, f := range t.cells {
		xs.include(f.X)
		ys.include(f.Value)
	}
	return xs, ys
}

func (s *span) include(v float64) {
	if v > 0 {
		s.low, s.high = min(s.low, math.Floor(math.Log10(v))), max(s.high, math.Ceil(math.Log10(v)))
	}
}

// part is where a value lies, from 0 to 1.
func (s span) part(v float64) float64 {
	if s.high <= s.low {
		return 0.5
	}
	return (math.Log10(v) - s.low) / (s.high - s.low)
}

func (s span) decades() (values []float64) {
	for d := s.low; d <= s.high; d++ {
		values = append(values, math.Pow(10, d))
	}
	return values
}
