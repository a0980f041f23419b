# Lessons 00 to 06 on a server without internet, or on a JupyterHub: see docs/installing.md.
FROM python:3.12-slim
ARG NB_USER=jovyan
ARG NB_UID=1000
# The course is not in the home folder, for hubs mount a volume over that.
RUN useradd --create-home --uid "$NB_UID" "$NB_USER" && install -d -o "$NB_USER" /opt/nerlib
WORKDIR /opt/nerlib
USER $NB_UID
COPY --chown=$NB_UID . .
# Compiled here once, not by every container that starts.
RUN PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1 python tools/install.py offline notebooks
ENV PATH=/opt/nerlib/.venv/bin:$PATH
EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb"]
