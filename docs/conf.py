"""How Sphinx makes the site: `python tools/build_docs.py FOLDER` lays the pages out and calls it.

Nothing here may reach for the network, when the site is made or when it is read: no notebook runs (their committed
outputs are shown), and every switch that loads a script, a font or a picture from elsewhere is off.
"""
# ruff: noqa: INP001 - Sphinx reads this file by its path

from documentation import pages, reference

project = "mtls_lab"
html_title = "mtls_lab"
language = "en"
smartquotes = False  # a quote in a message stays the one that a program prints
root_doc = "index"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_static"]

# Pages and notebooks
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_inline"]
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # require.js and the widgets' front end come from a CDN
# A panel is dead without a kernel: its words in its place.
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
nb_merge_streams = True
# A shell's line that goes on with a backslash is too much for the lexer of IPython: it colours the rest.
suppress_warnings = ["misc.highlighting_failure"]

# The reference
autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 88
add_module_names = False
default_role = "code"  # docstrings write `name`, as Markdown does
toc_object_entries_show_parents = "hide"

# How it looks
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_domain_indices = False
html_show_copyright = False
html_show_sphinx = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {"top_of_page_buttons": []}

setup_parts = (pages.setup, reference.setup)


def setup(app: object) -> dict[str, bool]:
    """Add what is ours."""
    for part in setup_parts:
        part(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
