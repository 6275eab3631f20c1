FROM python:3.11-slim-bookworm

# What opencv-python links to (libgl1, libglib2.0-0, libxcb1) and its window plugin (the others).
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libgl1 libglib2.0-0 libice6 libsm6 libx11-6 libxcb1 libxext6 \
    && rm -rf /var/lib/apt/lists/*

# A number that does not depend on the base image: folders of the host are given to it.
RUN useradd --user-group --uid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin darkroom

WORKDIR /app

# Before the code: this layer is built anew only when a version changes.
COPY requirements.txt requirements-clouds.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check \
    -r requirements.txt -r requirements-clouds.txt

COPY main.py ./
COPY processors processors
COPY schemas schemas
COPY service service
COPY testimages/*.jpg testimages/

# The code belongs to root: the service can read it, and write to these folders only.
# The database has a folder of its own, which no request can name.
RUN mkdir -p /data/library /store output testoutput \
    && chown darkroom: /data /data/library /store output testoutput

ENV DARKROOM_HOST=0.0.0.0 \
    DARKROOM_PORT=8888 \
    DARKROOM_READ_ROOTS=/data,testimages,output,testoutput \
    DARKROOM_WRITE_ROOTS=/data,output,testoutput \
    DARKROOM_LIBRARY=/data/library \
    DARKROOM_STORE=sqlite:////store/darkroom.db \
    NUMBA_CACHE_DIR=/app/numba \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1

# Compiled here, so that no start has to; kept where the service may keep what it compiles itself.
RUN python -m compileall -q main.py processors schemas service \
    && python -c "from service.engine import preload" \
    && chown -R darkroom: numba

USER darkroom
VOLUME /data
EXPOSE 8888

HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client as web, os, sys; server = web.HTTPConnection('127.0.0.1', int(os.environ['DARKROOM_PORT']), timeout=4); server.request('GET', '/readyz'); sys.exit(server.getresponse().status != 200)"]

CMD ["python", "main.py", "serve"]
